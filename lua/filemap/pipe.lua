-- filemap.pipe: what src/binding/lpipe.c gives.
return require("filemap.core").pipe
