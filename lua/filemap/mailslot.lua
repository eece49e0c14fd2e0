-- filemap.mailslot: what src/lua/lmailslot.c gives.
return require("filemap.core").mailslot
