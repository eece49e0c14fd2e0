-- filemap.sync, which src/lua/lsync.c implements.
return require("filemap.core").sync
