"""Files in and out: one module a format, and `dispatch`, which finds the right one."""
