"""Images and other grids: convolutions, patches, windows."""
