-- filemap.pipe, which src/lua/lpipe.c implements.
return require("filemap.core").pipe
