"""Reading and writing files: one module per format, and registries that find the right one."""
