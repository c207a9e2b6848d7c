"""The command line as processes that are forked from one interpreter, which has imported everything: see `process.WarmPython`."""
