-- filemap.sync: what src/binding/lsync.c gives.
return require("filemap.core").sync
