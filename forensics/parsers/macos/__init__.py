"""What macOS keeps."""
