-- filemap.state, which src/lua/lstate.c implements.
return require("filemap.core").state
