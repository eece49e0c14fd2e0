-- filemap.mailslot, which src/lua/lmailslot.c implements.
return require("filemap.core").mailslot
