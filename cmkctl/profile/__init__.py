"""What the operator wants: the model of a profile, and the loader that says precisely what is wrong with one."""
