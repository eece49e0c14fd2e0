--- The Win32 calls by their own names, for code that is ported from C, C++ or C#.
--
--     local win32 = require "filemap.win32"
--     local hMapFile = win32.CreateFileMapping(win32.INVALID_HANDLE_VALUE, nil, win32.PAGE_READWRITE, 0, 256,
--       [[Local\MyFileMappingObject]])
--     if hMapFile == nil then return print("Could not create file mapping object", win32.GetLastError()) end
--     local pBuf = win32.MapViewOfFile(hMapFile, win32.FILE_MAP_ALL_ACCESS, 0, 0, 256)
--     pBuf:set_utf16(0, "Message from first process.", 128)
--     win32.UnmapViewOfFile(pBuf)
--     win32.CloseHandle(hMapFile)
--
-- Arguments, results and last errors are those of Win32. Linux gives the same results as Windows for the
-- calls in `doc/win32.md`. That page also lists the features of Windows only, which on Linux fail with 120
-- (`ERROR_CALL_NOT_IMPLEMENTED`). Pointers and HANDLEs of C are objects here:
--
-- - The HANDLE of a mapping is a `filemap.map`, and `MapViewOfFile` returns a `filemap.view`. Its `get_…` and
--   `set_…` methods replace reading and writing through the pointer. `view:sub` replaces adding to the
--   pointer, and `view:commit` replaces VirtualAlloc with `MEM_COMMIT`.
-- - `NULL` is nil; `TRUE` and `FALSE` are true and false. A call that fails returns the same as in C (nil,
--   false, or for `CreateFile` `INVALID_HANDLE_VALUE`), and then a message, the code and the last error. So
--   `assert(win32.MapViewOfFile(…))` raises that message.
-- - `LPSECURITY_ATTRIBUTES` is nil, or a table: `inherit` (bInheritHandle), `sddl` (lpSecurityDescriptor, as
--   text), `mode` (POSIX permissions).
-- - A DWORD is an integer from 0 to 2^32-1, or nil for 0. Text is UTF-8. The functions are C's `…W`
--   functions.
--
-- Constants are fields of the module: `PAGE_…`, `SEC_…`, `FILE_MAP_…`, `GENERIC_…`, `FILE_SHARE_…`,
-- `FILE_ATTRIBUTE_…`, `FILE_FLAG_…`, `CREATE_NEW`, `CREATE_ALWAYS`, `OPEN_EXISTING`, `OPEN_ALWAYS`,
-- `TRUNCATE_EXISTING`, `ERROR_…` and `INVALID_HANDLE_VALUE`. The garbage collector closes handles and views
-- that are no longer referenced.
-- @module filemap.win32

local core = require "filemap.core"

local calls, kind = core.win32, core.win32.kind
local win32 = {}

-- {-- Constants --------------------------------------------------------------------------------------

-- CreateFile returns it when it fails; CreateFileMapping takes it for memory without a file.
win32.INVALID_HANDLE_VALUE = -1

local constants = {
  -- Protections.
  PAGE_NOACCESS = 0x01, PAGE_READONLY = 0x02, PAGE_READWRITE = 0x04, PAGE_WRITECOPY = 0x08,
  PAGE_EXECUTE = 0x10,
  PAGE_EXECUTE_READ = 0x20, PAGE_EXECUTE_READWRITE = 0x40, PAGE_EXECUTE_WRITECOPY = 0x80,
  PAGE_GUARD = 0x100, PAGE_NOCACHE = 0x200, PAGE_WRITECOMBINE = 0x400,
  -- Attributes of a mapping.
  SEC_FILE = 0x800000, SEC_IMAGE = 0x1000000, SEC_PROTECTED_IMAGE = 0x2000000, SEC_RESERVE = 0x4000000,
  SEC_COMMIT = 0x8000000, SEC_NOCACHE = 0x10000000, SEC_WRITECOMBINE = 0x40000000,
  SEC_LARGE_PAGES = 0x80000000,
  SEC_IMAGE_NO_EXECUTE = 0x11000000,
  -- Accesses to a mapping.
  FILE_MAP_COPY = 0x1, FILE_MAP_WRITE = 0x2, FILE_MAP_READ = 0x4, FILE_MAP_ALL_ACCESS = 0xF001F,
  FILE_MAP_EXECUTE = 0x20, FILE_MAP_LARGE_PAGES = 0x20000000, FILE_MAP_TARGETS_INVALID = 0x40000000,
  FILE_MAP_RESERVE = 0x80000000,
  -- Arguments of CreateFile.
  GENERIC_READ = 0x80000000, GENERIC_WRITE = 0x40000000, GENERIC_EXECUTE = 0x20000000,
  GENERIC_ALL = 0x10000000,
  FILE_SHARE_READ = 0x1, FILE_SHARE_WRITE = 0x2, FILE_SHARE_DELETE = 0x4,
  CREATE_NEW = 1, CREATE_ALWAYS = 2, OPEN_EXISTING = 3, OPEN_ALWAYS = 4, TRUNCATE_EXISTING = 5,
  FILE_ATTRIBUTE_READONLY = 0x1, FILE_ATTRIBUTE_HIDDEN = 0x2, FILE_ATTRIBUTE_SYSTEM = 0x4,
  FILE_ATTRIBUTE_ARCHIVE = 0x20, FILE_ATTRIBUTE_NORMAL = 0x80, FILE_ATTRIBUTE_TEMPORARY = 0x100,
  FILE_FLAG_WRITE_THROUGH = 0x80000000, FILE_FLAG_OVERLAPPED = 0x40000000,
  FILE_FLAG_NO_BUFFERING = 0x20000000,
  FILE_FLAG_RANDOM_ACCESS = 0x10000000, FILE_FLAG_SEQUENTIAL_SCAN = 0x8000000,
  FILE_FLAG_DELETE_ON_CLOSE = 0x4000000,
  -- Last errors.
  ERROR_SUCCESS = 0, ERROR_FILE_NOT_FOUND = 2, ERROR_PATH_NOT_FOUND = 3, ERROR_ACCESS_DENIED = 5,
  ERROR_INVALID_HANDLE = 6, ERROR_NOT_ENOUGH_MEMORY = 8, ERROR_GEN_FAILURE = 31, ERROR_SHARING_VIOLATION = 32,
  ERROR_FILE_EXISTS = 80, ERROR_INVALID_PARAMETER = 87, ERROR_DISK_FULL = 112,
  ERROR_CALL_NOT_IMPLEMENTED = 120,
  ERROR_INVALID_NAME = 123, ERROR_ALREADY_EXISTS = 183, ERROR_BAD_EXE_FORMAT = 193,
  ERROR_FILENAME_EXCED_RANGE = 206,
  ERROR_INVALID_ADDRESS = 487, ERROR_FILE_INVALID = 1006, ERROR_NO_UNICODE_TRANSLATION = 1113,
  ERROR_MAPPED_ALIGNMENT = 1132, ERROR_USER_MAPPED_FILE = 1224, ERROR_PRIVILEGE_NOT_HELD = 1314,
  ERROR_FILE_CORRUPT = 1392, ERROR_COMMITMENT_LIMIT = 1455,
}
for name, value in pairs(constants) do win32[name] = value end

-- {-- Errors -----------------------------------------------------------------------------------------

local last = 0

-- The results of a call that fails: `result` (nil, false or INVALID_HANDLE_VALUE), a message, the code and
-- the last error. Sets the last error.
local function fail(result, number, subject, sentence)
  local word, meaning = calls.explain(number)
  last = number
  return result, ("%s: %s (%d)"):format(subject, sentence or meaning, number), word, number
end

-- The same for a failure of filemap itself, which returned nil, message, code, native. `otherwise` maps codes
-- to this call's error numbers; it is used if the system reported no number.
local function fail_as(result, otherwise, message, code, native)
  local number = calls.number(code, native, otherwise[code])
  last = number
  return result, message, code, number
end

-- Raises for a bad argument. Level 4 is the code that called `call`, which called the check.
local function bad_argument(call, place, message, ...)
  error(("bad argument #%d to '%s' (%s)"):format(place, call, message:format(...)), 4)
end

local function check_dword(call, place, what, value)
  if value == nil then return 0 end
  local bits = math.tointeger(value)
  if not bits or bits ~= bits & 0xffffffff then
    bad_argument(call, place, "%s must be an integer from 0 to 2^32-1 (a DWORD), got %s", what, value)
  end
  return bits
end

-- Checks a SIZE_T.
local function check_bytes(call, place, value)
  if value == nil then return 0 end
  local bytes = math.tointeger(value)
  if not bytes or bytes < 0 then
    bad_argument(call, place, "bytes must be an integer from 0 to 2^63-1, got %s", value)
  end
  return bytes
end

local function check_text(call, place, what, value, optional)
  if type(value) == "string" or (value == nil and optional) then return value end
  bad_argument(call, place, "%s must be a string, got %s", what, value)
end

local function check_boolean(call, place, what, value)
  if value ~= nil and type(value) ~= "boolean" then
    bad_argument(call, place, "%s must be a boolean, got %s", what, value)
  end
end

-- For each attribute: its Lua type, its description in messages, and a pattern that its text must match.
local attribute_types = {
  inherit = { "boolean", "a boolean" },
  sddl = { "string", "a string without NUL", "^[^\0]*$" },
  mode = { "string", [[an octal string like "0600" that lets the owner read]],
    "^0?[4-7][0-7][0-7]$" },
}

-- Checks the attributes and returns a copy, to which options can be added.
local function check_attributes(call, place, attributes)
  local options = {}
  if attributes == nil then return options end
  if type(attributes) ~= "table" then
    bad_argument(call, place, "attributes must be a table, got %s", attributes)
  end
  for key, value in next, attributes do
    local expected = attribute_types[key]
    if not expected then bad_argument(call, place, "unknown attribute '%s'", key) end
    local pattern = expected[3]
    if type(value) ~= expected[1] or pattern and not value:find(pattern) then
      bad_argument(call, place, "attribute '%s' must be %s, got %s", key, expected[2], value)
    end
    options[key] = value
  end
  return options
end

--- Returns the error number of the last call of this module that failed. `CreateFileMapping` and `CreateFile`
-- also set it when they succeed: to 0, or to 183 if they opened an existing object. The other calls do not
-- change it when they succeed.
-- @treturn integer
-- @usage
-- win32.OpenFileMapping(win32.FILE_MAP_READ, false, "Nobody")
-- print(win32.GetLastError() == win32.ERROR_FILE_NOT_FOUND) --> true
function win32.GetLastError()
  return last
end

--- Sets what `GetLastError` returns.
-- @tparam integer number
-- @usage
-- win32.SetLastError(0)
-- print(win32.GetLastError()) --> 0
function win32.SetLastError(number)
  last = check_dword("SetLastError", 1, "the error", number)
end

-- {-- Names ------------------------------------------------------------------------------------------

-- Returns the Win32 error of a name, nil if the name is valid. The limits are those of filemap.
local function check_name(name)
  if not name or name == "" then return nil end
  local rest = name:match("^Local\\(.*)$") or name:match("^Global\\(.*)$") or name
  if rest:find("\\", 1, true) then return constants.ERROR_PATH_NOT_FOUND end
  if rest == "" or rest:find("\0", 1, true) then return constants.ERROR_INVALID_NAME end
  if #rest > 200 then return constants.ERROR_FILENAME_EXCED_RANGE end
  if not utf8.len(rest) then return constants.ERROR_NO_UNICODE_TRANSLATION end
end

-- {-- Protections ------------------------------------------------------------------------------------

-- The valid protections of a mapping, and the access that each allows.
local accesses = {
  [constants.PAGE_READONLY] = "r", [constants.PAGE_WRITECOPY] = "r", [constants.PAGE_READWRITE] = "rw",
  [constants.PAGE_EXECUTE_READ] = "rx", [constants.PAGE_EXECUTE_WRITECOPY] = "rx",
  [constants.PAGE_EXECUTE_READWRITE] = "rwx",
}

local SEC_ALL = 0xDD800000 -- all attributes except SEC_PROTECTED_IMAGE, which only the system uses

-- Splits a protection into the access that it allows and its attributes; nil if the protection is not valid.
-- Without attributes, SEC_COMMIT applies. SEC_IMAGE must be the only attribute. Every other attribute needs
-- exactly one of SEC_COMMIT and SEC_RESERVE, and SEC_LARGE_PAGES needs SEC_COMMIT.
local function read_protection(protect)
  local attributes = protect & SEC_ALL
  local access = accesses[protect & ~SEC_ALL]
  if attributes == 0 then attributes = constants.SEC_COMMIT end
  local how = attributes & (constants.SEC_COMMIT | constants.SEC_RESERVE)
  local image = attributes == constants.SEC_IMAGE or attributes == constants.SEC_IMAGE_NO_EXECUTE
  local large = attributes & constants.SEC_LARGE_PAGES ~= 0
  if not access or attributes & constants.SEC_FILE ~= 0 then return nil end
  if image then return access, attributes end
  if how ~= constants.SEC_COMMIT and how ~= constants.SEC_RESERVE then return nil end
  if attributes & constants.SEC_IMAGE ~= 0 or (large and how ~= constants.SEC_COMMIT) then return nil end
  return access, attributes
end

-- {-- Mappings ---------------------------------------------------------------------------------------

local page = core.page_size

-- The mappings of images. Their views are read-only, whatever access the caller wants.
local images = setmetatable({}, { __mode = "k" })

-- Error numbers for codes of filemap, if the system reported no number.
local of_memory = {
  invalid = constants.ERROR_INVALID_HANDLE, no_space = constants.ERROR_COMMITMENT_LIMIT,
  no_memory = constants.ERROR_COMMITMENT_LIMIT,
}
local of_files = { invalid = constants.ERROR_FILE_INVALID }
local of_names = { invalid = constants.ERROR_INVALID_HANDLE } -- the name belongs to another kind of object

-- Returns the Win32 error of these properties of a mapping, nil if they are valid. `file` is nil for memory.
local function check_mapping(file, size, access, attributes)
  if not access then return constants.ERROR_INVALID_PARAMETER end
  if file then
    if attributes & constants.SEC_LARGE_PAGES ~= 0 then return constants.ERROR_INVALID_PARAMETER end
    if size >= 0 then return nil end
    -- A file cannot have 2^63 bytes: it can neither grow to that size nor already have it.
    return access:find("w", 1, true) and constants.ERROR_INVALID_PARAMETER
      or constants.ERROR_NOT_ENOUGH_MEMORY
  end
  if size <= 0 or size > math.maxinteger - page then return constants.ERROR_INVALID_PARAMETER end
  return attributes & constants.SEC_IMAGE ~= 0 and constants.ERROR_BAD_EXE_FORMAT or nil
end

-- As on Windows, the size of memory is rounded up to whole pages.
local function create_memory(name, size, access, attributes, options)
  options.access = access
  options.commit = attributes & constants.SEC_RESERVE == 0
  options.large_pages = attributes & constants.SEC_LARGE_PAGES ~= 0
  return calls.create(name, (size + page - 1) // page * page, options)
end

local function create_over(file, name, size, access, attributes, options)
  options.name, options.size = name, size ~= 0 and size or nil
  local map, message, code, native = calls.map(file, access, options)
  if map and map:size() == 0 then
    map:close()
    return nil, tostring(file) .. ": an empty file cannot be mapped", "invalid"
  end
  if map and attributes & constants.SEC_IMAGE ~= 0 then images[map] = true end
  return map, message, code, native
end

-- Makes a mapping, or opens the existing one. Between the two calls the name may be removed or created again.
local function create_or_open(name, access, inherit, make)
  for _ = 1, 100 do
    local map, message, code, native = make()
    if code ~= "exists" then return map, constants.ERROR_SUCCESS, message, code, native end
    map, message, code, native = core.open(name, access, { inherit = inherit })
    if code ~= "not_found" then return map, constants.ERROR_ALREADY_EXISTS, message, code, native end
  end
  return nil, nil, name .. ": the name was created and removed 100 times while opening it", "in_use"
end

--- Creates a mapping of memory or of a file, or opens the existing mapping of that name.
-- @tparam integer|file_handle hFile `INVALID_HANDLE_VALUE` or nil for memory, or the result of @{CreateFile}
-- @tparam ?table attributes nil, or a table of `inherit`, `sddl`, `mode`
-- @tparam integer protect one `PAGE_…`, and any `SEC_…`
-- @tparam ?integer size_high upper 32 bits of the size in bytes
-- @tparam ?integer size_low lower 32 bits; for memory the size is rounded up to whole pages; for a file 0 is
--   the file's size
-- @tparam ?string name nil for a mapping without a name. On Linux the mapping of a file cannot have one (120)
-- @treturn[1] map the last error is 0, or 183 if the mapping existed, which keeps its size
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] string code
-- @treturn[2] integer number the last error: 87 (the protection or size is not valid), 5 (access denied), 6
--   (`hFile` is not the handle of a file, or the name belongs to another kind of object), 3, 123, 206, 1113
--   (the name is not valid), 8 (the file is shorter, and the mapping is read-only), 112 (disk full), 193 (not
--   an image), 1006 (the file is empty), 1314 (the privilege for large pages is missing), 1455 (not enough
--   memory), 120 (Linux does not have this)
-- @raise if an argument has the wrong type, and for an unknown attribute
-- @usage
-- local memory = win32.INVALID_HANDLE_VALUE
-- local hMapFile = win32.CreateFileMapping(memory, nil, win32.PAGE_READWRITE, 0, 65536, "SampleMap")
-- print(hMapFile, win32.GetLastError()) --> filemap.map (SampleMap, 65536 bytes, rw) 0
function win32.CreateFileMapping(hFile, attributes, protect, size_high, size_low, name)
  local call = "CreateFileMapping"
  local options = check_attributes(call, 2, attributes)
  options.protect = check_dword(call, 3, "protect", protect)
  local size = check_dword(call, 4, "size_high", size_high) << 32 | check_dword(call, 5, "size_low", size_low)
  local subject = check_text(call, 6, "name", name, true) or call
  local file = hFile
  if file == win32.INVALID_HANDLE_VALUE then file = nil end
  local access, attribute_bits = read_protection(options.protect)
  local bad = file ~= nil and kind(file) ~= "file" and constants.ERROR_INVALID_HANDLE
    or check_mapping(file, size, access, attribute_bits) or check_name(name)
  if bad then return fail(nil, bad, subject) end
  if name == "" then name = nil end
  options.protect = options.protect | attribute_bits
  local map, number, message, code, native = create_or_open(name, access, options.inherit, function()
    if file then return create_over(file, name, size, access, attribute_bits, options) end
    return create_memory(name, size, access, attribute_bits, options)
  end)
  if not map then return fail_as(nil, file and of_files or of_memory, message, code, native) end
  last = number
  return map
end

--- Opens an existing mapping by its name.
-- @tparam integer access `FILE_MAP_…`
-- @tparam ?boolean inherit whether child processes inherit the handle
-- @tparam string name
-- @treturn[1] map
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] string code
-- @treturn[2] integer number the last error: 2 (no mapping has that name), 5 (access denied), 6 (the name
--   belongs to another kind of object), 87 (`name` is nil), 3, 123, 206, 1113 (the name is not valid)
-- @raise if an argument has the wrong type
-- @usage
-- local hMapFile = win32.OpenFileMapping(win32.FILE_MAP_READ, false, "SampleMap")
-- if hMapFile == nil then print(win32.GetLastError()) end --> 2
function win32.OpenFileMapping(access, inherit, name)
  local call = "OpenFileMapping"
  access = check_dword(call, 1, "access", access)
  check_boolean(call, 2, "inherit", inherit)
  local subject = check_text(call, 3, "name", name, true) or call
  local bad = not name and constants.ERROR_INVALID_PARAMETER or name == "" and constants.ERROR_INVALID_HANDLE
    or check_name(name)
  if bad then return fail(nil, bad, subject) end
  local word = access & constants.FILE_MAP_WRITE ~= 0 and "rw" or "r"
  if access & constants.FILE_MAP_EXECUTE ~= 0 then word = word .. "x" end
  local map, message, code, native = core.open(name, word, { inherit = inherit })
  if not map then return fail_as(nil, of_names, message, code, native) end
  return map
end

-- {-- Views ------------------------------------------------------------------------------------------

local GRANULARITY = 0x10000 -- of Windows

-- Returns the access of a view as filemap's word. FILE_MAP_ALL_ACCESS contains both FILE_MAP_WRITE and
-- FILE_MAP_COPY; FILE_MAP_WRITE wins.
local function view_access(map, access)
  if images[map] then return "r" end
  local word = access & constants.FILE_MAP_WRITE ~= 0 and "rw"
    or access & constants.FILE_MAP_COPY ~= 0 and "copy" or "r"
  return access & constants.FILE_MAP_EXECUTE ~= 0 and word .. "x" or word
end

-- Returns the Win32 error of a range of a map, nil if the range is valid.
local function check_range(map, offset, bytes)
  if offset % GRANULARITY ~= 0 then return constants.ERROR_MAPPED_ALIGNMENT end
  local size = map:size()
  if not math.ult(offset, size) or bytes > size - offset then return constants.ERROR_ACCESS_DENIED end
end

--- Maps a view of a mapping.
-- @tparam map map
-- @tparam integer access `FILE_MAP_…`; without FILE_MAP_WRITE and FILE_MAP_COPY the view is read-only
-- @tparam ?integer offset_high upper 32 bits of the offset in bytes
-- @tparam ?integer offset_low lower 32 bits; the offset must be a multiple of 65536
-- @tparam ?integer bytes length of the view; 0 is the rest of the mapping
-- @treturn[1] view
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] string code
-- @treturn[2] integer number the last error: 5 (the mapping does not allow that access, or the range is past
--   its end), 6 (`map` is not an open mapping), 8 (not enough memory or addresses), 1132 (the offset is not a
--   multiple of 65536), 120 (FILE_MAP_TARGETS_INVALID, FILE_MAP_RESERVE)
-- @raise if an argument has the wrong type
-- @usage
-- local memory = win32.INVALID_HANDLE_VALUE
-- local hMapFile = win32.CreateFileMapping(memory, nil, win32.PAGE_READWRITE, 0, 65536, nil)
-- local pView = win32.MapViewOfFile(hMapFile, win32.FILE_MAP_ALL_ACCESS, 0, 0, 1024)
-- print(#pView) --> 1024
function win32.MapViewOfFile(map, access, offset_high, offset_low, bytes)
  local call = "MapViewOfFile"
  access = check_dword(call, 2, "access", access)
  local offset = check_dword(call, 3, "offset_high", offset_high) << 32
    | check_dword(call, 4, "offset_low", offset_low)
  bytes = check_bytes(call, 5, bytes)
  local bad = kind(map) ~= "map" and constants.ERROR_INVALID_HANDLE
    or access & (constants.FILE_MAP_TARGETS_INVALID | constants.FILE_MAP_RESERVE) ~= 0
      and constants.ERROR_CALL_NOT_IMPLEMENTED
    or check_range(map, offset, bytes)
  if bad then return fail(nil, bad, call) end
  local length = bytes ~= 0 and bytes or map:size() - offset
  local view, message, code, native = map:view(offset, length, view_access(map, access))
  if not view then return fail_as(nil, {}, message, code, native) end
  return view
end

--- Unmaps a view.
-- @tparam view view
-- @treturn[1] boolean true
-- @treturn[2] boolean false
-- @treturn[2] string message
-- @treturn[2] string code
-- @treturn[2] integer number the last error: 487 (`view` is not an open view)
-- @usage
-- local memory = win32.INVALID_HANDLE_VALUE
-- local hMapFile = win32.CreateFileMapping(memory, nil, win32.PAGE_READWRITE, 0, 65536, nil)
-- local pView = win32.MapViewOfFile(hMapFile, win32.FILE_MAP_ALL_ACCESS, 0, 0, 0)
-- print(win32.UnmapViewOfFile(pView)) --> true
function win32.UnmapViewOfFile(view)
  if kind(view) ~= "view" then return fail(false, constants.ERROR_INVALID_ADDRESS, "UnmapViewOfFile") end
  return view:unmap()
end

--- Writes changed bytes of a view to its file. On Linux the bytes and the file's metadata are on the disk
-- when the call returns. On Windows the call does what the system's FlushViewOfFile does, which does not
-- wait for the disk.
-- @tparam view view for an address inside a view, pass `view:sub(offset, length)`
-- @tparam ?integer bytes number of bytes from the start of `view`; 0 is the whole view
-- @treturn[1] boolean true
-- @treturn[2] boolean false
-- @treturn[2] string message
-- @treturn[2] string code
-- @treturn[2] integer number the last error: 487 (`view` is not an open view, or is shorter than `bytes`), or
--   an error of the system
-- @usage
-- local memory = win32.INVALID_HANDLE_VALUE
-- local hMapFile = win32.CreateFileMapping(memory, nil, win32.PAGE_READWRITE, 0, 65536, nil)
-- local pView = win32.MapViewOfFile(hMapFile, win32.FILE_MAP_ALL_ACCESS, 0, 0, 0)
-- print(win32.FlushViewOfFile(pView, 0)) --> true
function win32.FlushViewOfFile(view, bytes)
  bytes = check_bytes("FlushViewOfFile", 2, bytes)
  if kind(view) ~= "view" or bytes > #view then
    return fail(false, constants.ERROR_INVALID_ADDRESS, "FlushViewOfFile")
  end
  local done, message, code, native = view:flush(0, bytes ~= 0 and bytes or nil)
  if not done then return fail_as(false, {}, message, code, native) end
  return true
end

-- {-- Files and handles ------------------------------------------------------------------------------

local dispositions = { constants.CREATE_NEW, constants.CREATE_ALWAYS, constants.OPEN_EXISTING,
  constants.OPEN_ALWAYS, constants.TRUNCATE_EXISTING }

-- Windows has different errors for a missing file and a missing folder. Looking up "folder/." opens nothing.
local function missing_number(path)
  local folder = path:match("^(.+)[/\\]")
  local is_missing = path == ""
    or folder and "not_found" == select(3,
      calls.open_file(folder .. "/.", 0, 0, constants.OPEN_EXISTING, 0, {}))
  return is_missing and constants.ERROR_PATH_NOT_FOUND or constants.ERROR_FILE_NOT_FOUND
end

--- Opens or creates a file, for @{CreateFileMapping}.
-- @tparam string path
-- @tparam integer access `GENERIC_…`; a read-only mapping needs GENERIC_READ, a writable one also
--   GENERIC_WRITE
-- @tparam ?integer share `FILE_SHARE_…`; it has no effect on Linux
-- @tparam ?table attributes nil, or a table of `inherit`, `sddl`, `mode`
-- @tparam integer disposition `CREATE_NEW`, `CREATE_ALWAYS`, `OPEN_EXISTING`, `OPEN_ALWAYS`,
--   `TRUNCATE_EXISTING`
-- @tparam ?integer flags `FILE_ATTRIBUTE_…`, `FILE_FLAG_…`
-- @tparam ?nil template not supported (120)
-- @treturn[1] file_handle the last error is 0, or 183 if `CREATE_ALWAYS` or `OPEN_ALWAYS` found the file
-- @treturn[2] integer `INVALID_HANDLE_VALUE`
-- @treturn[2] string message
-- @treturn[2] string code
-- @treturn[2] integer number the last error: 2 (the file does not exist), 3 (its folder does not exist), 5
--   (access denied, or the path is a folder), 32 (another process opened the file without sharing it), 80
--   (`CREATE_NEW`, and the file exists), 87 (the disposition is not valid), 123 (the path is not valid), 1224
--   (the file is mapped), 120 (Linux does not have this)
-- @raise if an argument has the wrong type, and for an unknown attribute
-- @usage
-- local hFile = win32.CreateFile("numbers.bin", win32.GENERIC_READ | win32.GENERIC_WRITE, 0, nil,
--   win32.OPEN_ALWAYS, win32.FILE_ATTRIBUTE_NORMAL, nil)
-- local hMapFile = win32.CreateFileMapping(hFile, nil, win32.PAGE_READWRITE, 0, 4096, nil)
-- print(#hMapFile) --> 4096
-- win32.CloseHandle(hFile)
function win32.CreateFile(path, access, share, attributes, disposition, flags, template)
  local call = "CreateFile"
  check_text(call, 1, "path", path)
  access, share = check_dword(call, 2, "access", access), check_dword(call, 3, "share", share)
  local options = check_attributes(call, 4, attributes)
  disposition, flags = check_dword(call, 5, "disposition", disposition), check_dword(call, 6, "flags", flags)
  local failed = win32.INVALID_HANDLE_VALUE
  local truncates = disposition == constants.TRUNCATE_EXISTING
  local bad = template ~= nil and constants.ERROR_CALL_NOT_IMPLEMENTED
    or path:find("\0", 1, true) and constants.ERROR_INVALID_NAME
    or not dispositions[disposition] and constants.ERROR_INVALID_PARAMETER
    or truncates and access & (constants.GENERIC_WRITE | constants.GENERIC_ALL) == 0
      and constants.ERROR_INVALID_PARAMETER
  if bad then return fail(failed, bad, path) end
  local file, existed, code, native = calls.open_file(path, access, share, disposition, flags, options)
  if not file then
    return fail_as(failed, {
      not_found = code == "not_found" and missing_number(path), exists = constants.ERROR_FILE_EXISTS,
      invalid = constants.ERROR_INVALID_NAME,
    }, existed, code, native)
  end
  local tells = disposition == constants.CREATE_ALWAYS or disposition == constants.OPEN_ALWAYS
  last = existed and tells and constants.ERROR_ALREADY_EXISTS or constants.ERROR_SUCCESS
  return file
end

--- Closes the handle of a mapping or of a file. Views of the mapping, and mappings of the file, stay valid.
-- @tparam map|file_handle handle
-- @treturn[1] boolean true
-- @treturn[2] boolean false
-- @treturn[2] string message
-- @treturn[2] string code
-- @treturn[2] integer number the last error: 6 (`handle` is not an open handle)
-- @usage
-- local memory = win32.INVALID_HANDLE_VALUE
-- local hMapFile = win32.CreateFileMapping(memory, nil, win32.PAGE_READWRITE, 0, 65536, nil)
-- print(win32.CloseHandle(hMapFile)) --> true
function win32.CloseHandle(handle)
  local what = kind(handle)
  if what ~= "map" and what ~= "file" then
    return fail(false, constants.ERROR_INVALID_HANDLE, "CloseHandle")
  end
  return handle:close()
end

return win32
