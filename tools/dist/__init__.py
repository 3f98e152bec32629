"""What a release is made of: `make dist`, the packages for mip, the ROMFS image and its use."""
