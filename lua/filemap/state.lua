-- filemap.state: what src/lua/lstate.c gives.
return require("filemap.core").state
