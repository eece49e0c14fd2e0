-- filemap.dict, which src/lua/ldict.c implements.
return require("filemap.core").dict
