-- filemap.pipe: what src/lua/lpipe.c gives.
return require("filemap.core").pipe
