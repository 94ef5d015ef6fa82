"""Programs that print the files of a store as people read them."""
