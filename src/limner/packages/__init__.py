"""Archives of package registries, brought here by their own clients and kept in limner's cache."""
