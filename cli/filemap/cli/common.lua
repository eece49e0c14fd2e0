-- Options that several commands declare. Internal to the command.
local ctype = require "filemap.ctype"
local number = require "filemap.cli.number"

local common = {
  json = { "--json", nil, "print one JSON object a line" },
  file = { "--file", nil, "NAME is a path, even without './'" },
  raw = { "--raw", nil,
    "binary: all of the input is one message, and messages are printed without a line's end" },
  offset = { "--offset", "N", "where the struct begins, in bytes; T@OFFSET counts from there",
    convert = number.size, default = "0" },
  timeout = { "--timeout", "S", "fail after this many seconds", convert = number.seconds },
  count = { "--count", "N", "end after this many messages", convert = number.count },
  name = { "name", "NAME", "the section's name, or a path such as ./file" },
  header = { "--header", "FILE", "a C header that declares the struct" },
  type = { "--type", "T", "the struct's name in the header" },
  abi = { "--abi", "ABI", "the system that the header's program was built for",
    choices = ctype.abi_names },
  guard = { "--guard", "GUARD",
    "the counter that the writer keeps: even=FIELD, same=FIELD, or first=FIELD,last=FIELD" },
}

return common
