-- filemap.mailslot: what src/binding/lmailslot.c gives.
return require("filemap.core").mailslot
