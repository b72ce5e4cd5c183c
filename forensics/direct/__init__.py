"""Fast readers of metadata beside libtsk, which stays the authority: begin with `reading`."""
