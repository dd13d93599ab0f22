"""Models of molecules, one file each."""
