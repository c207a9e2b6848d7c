"""Microsoft.MachineLearningServices: workspaces with their computes and datastores."""
