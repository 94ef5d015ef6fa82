"""The write-ahead log: a file of frames, each an atomic commit. The manifest is one too."""
