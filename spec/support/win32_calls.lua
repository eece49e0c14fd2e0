-- The results of the Win32 calls. script/win32-doc writes doc/win32.md from this table. spec/win32_spec.lua
-- checks filemap.win32 against it on every system, and the real calls on Windows.
--
-- A row is a call as it is written in C, its result, and the last error after it ("" if the call does not
-- change it). `linux` is the result on Linux, if the row uses a feature that only Windows has. `wine` is the
-- result of the real call under wine 8, where that differs from Windows. The calls are made in order and
-- share their variables. A string between rows is a heading.
--
-- `Name` in the name of a mapping stands for a unique name, and "Local\Mutex" for the name of an existing
-- mutex. At the start the files "file", "other" and "data" do not exist. The folder "folder" never exists.
local calls = {}

local function row(call, result, last_error, more)
  local r = more or {}
  r.call, r.result, r.last_error = call, result, last_error
  calls[#calls + 1] = r
end

local function heading(text)
  calls[#calls + 1] = text
end

local MEMORY <const> = "CreateFileMapping(INVALID_HANDLE_VALUE, NULL, %s, 0, 4096, NULL)"

heading "Valid and invalid protections"
for _, protect in ipairs { "PAGE_READONLY", "PAGE_READWRITE", "PAGE_WRITECOPY", "PAGE_EXECUTE_READ",
  "PAGE_EXECUTE_READWRITE", "PAGE_EXECUTE_WRITECOPY" } do
  row(MEMORY:format(protect), "handle", 0)
end
for _, protect in ipairs { "0", "PAGE_NOACCESS", "PAGE_EXECUTE", "PAGE_READWRITE | PAGE_READONLY",
  "PAGE_READWRITE | PAGE_GUARD", "PAGE_READWRITE | PAGE_NOCACHE", "PAGE_READWRITE | PAGE_WRITECOMBINE" } do
  row(MEMORY:format(protect), "NULL", 87)
end

heading "Attributes"
row(MEMORY:format("PAGE_READWRITE | SEC_COMMIT"), "handle", 0)
row(MEMORY:format("PAGE_READWRITE | SEC_RESERVE"), "handle", 0)
row(MEMORY:format("PAGE_READWRITE | SEC_COMMIT | SEC_RESERVE"), "NULL", 87)
row(MEMORY:format("PAGE_READWRITE | SEC_FILE"), "NULL", 87)
row(MEMORY:format("PAGE_READONLY | SEC_IMAGE"), "NULL", 193)
row(MEMORY:format("PAGE_READONLY | SEC_IMAGE | SEC_COMMIT"), "NULL", 87)
row(MEMORY:format("PAGE_READWRITE | SEC_NOCACHE"), "NULL", 87)
row(MEMORY:format("PAGE_READWRITE | SEC_WRITECOMBINE"), "NULL", 87)
row(MEMORY:format("PAGE_READWRITE | SEC_LARGE_PAGES"), "NULL", 87)
row(MEMORY:format("PAGE_READWRITE | SEC_LARGE_PAGES | SEC_RESERVE"), "NULL", 87)
row(MEMORY:format("PAGE_READWRITE | SEC_NOCACHE | SEC_COMMIT"), "handle", 0, { linux = { "NULL", 120 } })
row(MEMORY:format("PAGE_READWRITE | SEC_NOCACHE | SEC_RESERVE"), "handle", 0, { linux = { "NULL", 120 } })
row(MEMORY:format("PAGE_READWRITE | SEC_WRITECOMBINE | SEC_COMMIT"), "handle", 0, { linux = { "NULL", 120 } })

heading "Sizes of memory"
row("CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0, NULL)", "NULL", 87)
row("CreateFileMapping(NULL, NULL, PAGE_READWRITE, 0, 4096, NULL)", "handle", 0)
row("CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0x80000000, 0, NULL)", "NULL", 87)
row("CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0x7fffffff, 0xffffffff, NULL)", "NULL", 87)
row("CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, 1, 4096, NULL)", "handle", 0)

heading "Names"
row([[OpenFileMapping(FILE_MAP_READ, FALSE, "Local\Name")]], "NULL", 2)
row([[map = CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4090, "Local\Name")]], "handle",
  0)
row([[CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 100000, "Local\Name")]], "handle", 183)
row([[CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0x10000, 0, "Local\Name")]], "handle",
  183)
row([[CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READONLY, 0, 1, "Name")]], "handle", 183)
row([[CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0, "Local\Name")]], "NULL", 87)
row([[CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_NOACCESS, 0, 4090, "Local\Name")]], "NULL", 87)
row([[reading = OpenFileMapping(FILE_MAP_READ, FALSE, "Local\Name")]], "handle", "")
row([[writing = OpenFileMapping(FILE_MAP_WRITE, FALSE, "Name")]], "handle", "")
row([[all = OpenFileMapping(FILE_MAP_ALL_ACCESS, TRUE, "Name")]], "handle", "")
row([[copying = OpenFileMapping(FILE_MAP_COPY, FALSE, "Name")]], "handle", "")
row([[OpenFileMapping(FILE_MAP_READ, FALSE, "Local\Nameless")]], "NULL", 2)
row([[OpenFileMapping(FILE_MAP_READ, FALSE, "Local\Mutex")]], "NULL", 6)
row([[CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, "Local\Mutex")]], "NULL", 6)
row([[CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, "no\Name")]], "NULL", 3)
row([[CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, "Local\no\Name")]], "NULL", 3)
row([[OpenFileMapping(FILE_MAP_READ, FALSE, "no\Name")]], "NULL", 3)
row([[OpenFileMapping(FILE_MAP_READ, FALSE, NULL)]], "NULL", 87)
row([[CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, "")]], "handle", 0)

heading "Views of 4090 bytes of memory"
row("view = MapViewOfFile(map, FILE_MAP_ALL_ACCESS, 0, 0, 0)", "view", "")
row("MapViewOfFile(map, FILE_MAP_WRITE, 0, 0, 4096)", "view", "")
row("MapViewOfFile(map, FILE_MAP_WRITE, 0, 0, 4097)", "NULL", 5)
row("MapViewOfFile(map, FILE_MAP_WRITE, 0, 4096, 0)", "NULL", 1132)
row("MapViewOfFile(map, FILE_MAP_WRITE, 0, 100, 10)", "NULL", 1132)
row("MapViewOfFile(map, FILE_MAP_WRITE, 0, 65536, 0)", "NULL", 5, { wine = { "NULL", 87 } })
row("MapViewOfFile(map, FILE_MAP_WRITE, 1, 0, 1)", "NULL", 5, { wine = { "NULL", 87 } })
row("MapViewOfFile(map, FILE_MAP_WRITE, 0xffffffff, 0xffff0000, 1)", "NULL", 5, { wine = { "NULL", 87 } })
row("larger = CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 131072, NULL)", "handle", 0)
row("MapViewOfFile(larger, FILE_MAP_WRITE, 0, 65536, 0)", "view", "")
row("MapViewOfFile(larger, FILE_MAP_WRITE, 0, 65536, 65536)", "view", "")
row("MapViewOfFile(larger, FILE_MAP_WRITE, 0, 65536, 65537)", "NULL", 5)
row("MapViewOfFile(larger, FILE_MAP_WRITE, 0, 4096, 4096)", "NULL", 1132)

heading "Access"
row("MapViewOfFile(reading, FILE_MAP_READ, 0, 0, 0)", "view", "")
row("MapViewOfFile(reading, FILE_MAP_COPY, 0, 0, 0)", "view", "")
row("MapViewOfFile(reading, 0, 0, 0, 0)", "view", "")
row("MapViewOfFile(reading, FILE_MAP_WRITE, 0, 0, 0)", "NULL", 5)
row("MapViewOfFile(reading, FILE_MAP_ALL_ACCESS, 0, 0, 0)", "NULL", 5)
row("MapViewOfFile(reading, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, 0)", "NULL", 5)
row("MapViewOfFile(writing, FILE_MAP_WRITE, 0, 0, 0)", "view", "")
row("MapViewOfFile(copying, FILE_MAP_COPY, 0, 0, 0)", "view", "")
row("MapViewOfFile(all, FILE_MAP_ALL_ACCESS, 0, 0, 0)", "view", "")
row("only = CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READONLY, 0, 4096, NULL)", "handle", 0)
row("MapViewOfFile(only, FILE_MAP_READ, 0, 0, 0)", "view", "")
row("MapViewOfFile(only, FILE_MAP_COPY, 0, 0, 0)", "view", "")
row("MapViewOfFile(only, FILE_MAP_WRITE, 0, 0, 0)", "NULL", 5)
row("private = CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_WRITECOPY, 0, 4096, NULL)", "handle", 0)
row("MapViewOfFile(private, FILE_MAP_READ, 0, 0, 0)", "view", "")
row("MapViewOfFile(private, FILE_MAP_COPY, 0, 0, 0)", "view", "")
row("MapViewOfFile(private, FILE_MAP_WRITE, 0, 0, 0)", "NULL", 5)
row("code = CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_EXECUTE_READWRITE, 0, 4096, NULL)", "handle",
  0)
row("MapViewOfFile(code, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, 0)", "view", "")
row("MapViewOfFile(code, FILE_MAP_WRITE | FILE_MAP_EXECUTE, 0, 0, 0)", "view", "")
row("MapViewOfFile(code, FILE_MAP_COPY | FILE_MAP_EXECUTE, 0, 0, 0)", "view", "")
row("MapViewOfFile(map, FILE_MAP_WRITE | FILE_MAP_EXECUTE, 0, 0, 0)", "NULL", 5)
row("fixed = CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_EXECUTE_READ, 0, 4096, NULL)", "handle", 0)
row("MapViewOfFile(fixed, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, 0)", "view", "")
row("MapViewOfFile(fixed, FILE_MAP_WRITE | FILE_MAP_EXECUTE, 0, 0, 0)", "NULL", 5)

heading "Flushing, unmapping and closing"
row("FlushViewOfFile(view, 0)", "TRUE", "")
row("FlushViewOfFile(view, 10)", "TRUE", "")
row("FlushViewOfFile(view, 4096)", "TRUE", "")
row("CloseHandle(map)", "TRUE", "")
row("CloseHandle(map)", "FALSE", 6)
row("MapViewOfFile(map, FILE_MAP_READ, 0, 0, 0)", "NULL", 6)
row("FlushViewOfFile(view, 0)", "TRUE", "")
row("UnmapViewOfFile(view)", "TRUE", "")
row("UnmapViewOfFile(view)", "FALSE", 487)
row("FlushViewOfFile(view, 0)", "FALSE", 487, { wine = { "FALSE", 87 } })
row("UnmapViewOfFile(NULL)", "FALSE", 487)
row("CloseHandle(NULL)", "FALSE", 6)
row("MapViewOfFile(NULL, FILE_MAP_READ, 0, 0, 0)", "NULL", 6)
row("MapViewOfFile(INVALID_HANDLE_VALUE, FILE_MAP_READ, 0, 0, 0)", "NULL", 6)

heading "Files"
local OPEN <const> = "%s%s, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, %s, FILE_ATTRIBUTE_NORMAL, NULL)"
local function open(path, access, disposition, result, last_error, more)
  local variable = more and more.as and more.as .. " = " or ""
  row(OPEN:format(variable .. 'CreateFile("' .. path .. '", ', access, disposition), result, last_error, more)
end

local FAILED <const>, RW <const> = "INVALID_HANDLE_VALUE", "GENERIC_READ | GENERIC_WRITE"
open("file", "GENERIC_READ", "OPEN_EXISTING", FAILED, 2)
open("file", "GENERIC_WRITE", "TRUNCATE_EXISTING", FAILED, 2)
open("folder/file", "GENERIC_READ", "OPEN_EXISTING", FAILED, 3)
open("folder/file", RW, "CREATE_NEW", FAILED, 3)
open("", "GENERIC_READ", "OPEN_EXISTING", FAILED, 3)
open(".", "GENERIC_READ", "OPEN_EXISTING", FAILED, 5)
open("file", RW, "0", FAILED, 87)
open("file", RW, "6", FAILED, 87)
open("file", RW, "CREATE_NEW", "handle", 0, { as = "file" })
open("file", RW, "CREATE_NEW", FAILED, 80)
open("file/x", "GENERIC_READ", "OPEN_EXISTING", FAILED, 3)
open("file/x", RW, "CREATE_NEW", FAILED, 3)
open("file", RW, "OPEN_EXISTING", "handle", 0)
open("file", RW, "OPEN_ALWAYS", "handle", 183)
open("file", RW, "CREATE_ALWAYS", "handle", 183)
open("file", "GENERIC_READ", "CREATE_ALWAYS", "handle", 183)
open("file", "0", "CREATE_ALWAYS", "handle", 183)
open("file", RW, "TRUNCATE_EXISTING", "handle", 0)
open("file", "GENERIC_READ", "TRUNCATE_EXISTING", FAILED, 87, { wine = { "handle", 0 } })
open("other", RW, "OPEN_ALWAYS", "handle", 0)
open("data", RW, "CREATE_ALWAYS", "handle", 0)

heading "Mappings of files"
row("CreateFileMapping(file, NULL, PAGE_READONLY, 0, 0, NULL)", "NULL", 1006)
row("CreateFileMapping(file, NULL, PAGE_READWRITE, 0, 0, NULL)", "NULL", 1006)
row("CreateFileMapping(file, NULL, PAGE_READONLY, 0, 100, NULL)", "NULL", 8)
row("CreateFileMapping(file, NULL, PAGE_NOACCESS, 0, 0, NULL)", "NULL", 87)
row("CreateFileMapping(file, NULL, PAGE_READWRITE, 0x80000000, 0, NULL)", "NULL", 87)
row("CreateFileMapping(file, NULL, PAGE_READONLY, 0x80000000, 0, NULL)", "NULL", 8)
row("CreateFileMapping(file, NULL, PAGE_READONLY, 0xffffffff, 0xffffffff, NULL)", "NULL", 8)
row("grown = CreateFileMapping(file, NULL, PAGE_READWRITE, 0, 5000, NULL)", "handle", 0)
row("MapViewOfFile(grown, FILE_MAP_WRITE, 0, 0, 5000)", "view", "")
row("MapViewOfFile(grown, FILE_MAP_WRITE, 0, 0, 5001)", "NULL", 5)
row("MapViewOfFile(grown, FILE_MAP_COPY, 0, 0, 0)", "view", "")
row("part = CreateFileMapping(file, NULL, PAGE_READONLY, 0, 100, NULL)", "handle", 0)
row("MapViewOfFile(part, FILE_MAP_READ, 0, 0, 100)", "view", "")
row("MapViewOfFile(part, FILE_MAP_READ, 0, 0, 101)", "NULL", 5)
row("MapViewOfFile(part, FILE_MAP_WRITE, 0, 0, 100)", "NULL", 5)
row("CreateFileMapping(file, NULL, PAGE_READONLY, 0, 5001, NULL)", "NULL", 8)
row("CreateFileMapping(file, NULL, PAGE_WRITECOPY, 0, 5001, NULL)", "NULL", 8)
row("CreateFileMapping(file, NULL, PAGE_READONLY | SEC_RESERVE, 0, 0, NULL)", "handle", 0)
row("CreateFileMapping(file, NULL, PAGE_READONLY | SEC_LARGE_PAGES | SEC_COMMIT, 0, 0, NULL)", "NULL", 87)
row("CreateFileMapping(file, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL)", "NULL", 193,
  { linux = { "NULL", 120 } })
row("CreateFileMapping(file, NULL, PAGE_EXECUTE_READ, 0, 0, NULL)", "NULL", 5, { wine = { "handle", 0 } })
row([[CreateFileMapping(file, NULL, PAGE_READWRITE, 0, 0, "Local\NameOfFile")]], "handle", 0,
  { linux = { "NULL", 120 } })
row("MapViewOfFile(file, FILE_MAP_READ, 0, 0, 0)", "NULL", 6)
row("CreateFileMapping(grown, NULL, PAGE_READONLY, 0, 0, NULL)", "NULL", 6)
row("CloseHandle(file)", "TRUE", "")
row("CloseHandle(file)", "FALSE", 6)
row("CreateFileMapping(file, NULL, PAGE_READONLY, 0, 0, NULL)", "NULL", 6)
row("MapViewOfFile(grown, FILE_MAP_READ, 0, 0, 0)", "view", "")
open("file", "GENERIC_READ", "OPEN_EXISTING", "handle", 0, { as = "read" })
row("CreateFileMapping(read, NULL, PAGE_READONLY, 0, 0, NULL)", "handle", 0)
row("CreateFileMapping(read, NULL, PAGE_WRITECOPY, 0, 0, NULL)", "handle", 0)
row("CreateFileMapping(read, NULL, PAGE_READWRITE, 0, 0, NULL)", "NULL", 5)
open("file", "GENERIC_WRITE", "OPEN_EXISTING", "handle", 0, { as = "write" })
row("CreateFileMapping(write, NULL, PAGE_READWRITE, 0, 0, NULL)", "NULL", 5)
row("CreateFileMapping(write, NULL, PAGE_READONLY, 0, 0, NULL)", "NULL", 5)
open("file", "0", "OPEN_EXISTING", "handle", 0, { as = "none" })
row("CreateFileMapping(none, NULL, PAGE_READONLY, 0, 0, NULL)", "NULL", 5)
open("file", "GENERIC_READ | GENERIC_EXECUTE", "OPEN_EXISTING", "handle", 0, { as = "execute" })
row("CreateFileMapping(execute, NULL, PAGE_EXECUTE_READ, 0, 0, NULL)", "handle", 0)

return calls
