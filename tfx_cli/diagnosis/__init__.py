"""What `tfx doctor` looks at: the installation, and the machine around it."""
