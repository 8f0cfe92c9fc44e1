"""How one installation is put together: folders, database addresses, Django."""
