"""Where process, file and network events come from: the kernel's own reports, or looks at /proc."""
