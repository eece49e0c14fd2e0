-- filemap.sync: what src/lua/lsync.c gives.
return require("filemap.core").sync
