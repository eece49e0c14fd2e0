-- filemap.state: what src/binding/lstate.c gives.
return require("filemap.core").state
