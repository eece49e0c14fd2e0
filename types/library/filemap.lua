---@meta filemap

-- Definitions of filemap for editors. The descriptions are the first sentences of the reference, which is
-- made from the doc comments in the sources. A spec compares both with the module.

---What a map or view may be used for.
---@alias filemap.access
---| "r" # read
---| "rw" # read and write
---| "copy" # read, and write to a private copy
---| "rx" # read and execute
---| "rwx" # read, write and execute
---| "copyx" # read, execute, and write to a private copy

---Why a call failed: the same words on every system.
---@alias filemap.code
---| "not_found"
---| "exists"
---| "denied"
---| "invalid"
---| "too_small"
---| "too_large"
---| "no_space"
---| "no_memory"
---| "in_use"
---| "timeout"
---| "closed"
---| "full"
---| "truncated"
---| "corrupt"
---| "unsupported"
---| "system"

---@alias filemap.integer_type "i8"|"u8"|"i16"|"u16"|"i32"|"u32"|"i64"|"u64"
---@alias filemap.float_type "f32"|"f64"

---@class filemap.create_options
---@field access? filemap.access default: "rw"
---@field mode? string POSIX permissions in octal; default: "0600". No effect on Windows
---@field sddl? string security descriptor; Windows only
---@field inherit? boolean whether child processes inherit the handle; default: false
---@field commit? boolean whether the memory is allocated on return; default: true
---@field large_pages? boolean default: false. On Linux only unnamed sections can have them

---@class filemap.open_options
---@field size? integer the least size in bytes that the section must have; it becomes the map's size
---@field inherit? boolean whether child processes inherit the handle; default: false

---@class filemap.file_options
---@field size? integer in bytes: the size to grow the file to if the access allows writing, else the least
---@field mode? string POSIX permissions in octal of a new file; default: "0600". No effect on Windows
---@field sddl? string security descriptor of a new file; Windows only
---@field name? string the name of the mapping; Windows only
---@field inherit? boolean whether child processes inherit the handle; default: false
---@field commit? boolean whether the space is allocated on return; default: true

---@class filemap.entry
---@field name string
---@field size integer bytes

---Memory mapping as IPC: sections of memory and files, shared by name, through a path, or inherited.
---
---A mistake in the program raises. A failure of the environment returns `nil, message, code, native`.
---@class filemap
---@field _VERSION string the version of this module
---@field platform "posix"|"win32"|"stub" the system it runs on; "stub": an unknown system
---@field page_size integer bytes of a page of memory
---@field granularity integer bytes to which the system aligns mappings, but views can start anywhere
local filemap = {}

---Makes a new section of memory.
---@param name? string nil: unnamed
---@param size integer bytes, from 1
---@param options? filemap.create_options
---@return filemap.map? map
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function filemap.create(name, size, options) end

---Opens an existing section of memory.
---@param name string
---@param access? filemap.access default: "r"
---@param options? filemap.open_options
---@return filemap.map? map
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function filemap.open(name, access, options) end

---Opens a section of memory, or makes it if there is none of that name.
---@param name? string nil: unnamed
---@param size integer bytes, from 1; the map's size in both cases
---@param options? filemap.create_options
---@return filemap.map? map
---@return boolean|string created or, on failure, the message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function filemap.create_or_open(name, size, options) end

---Makes a map over a regular file.
---@param path string
---@param access? filemap.access default: "r"
---@param options? filemap.file_options
---@return filemap.map? map of the file's size
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function filemap.file(path, access, options) end

---Makes a map of a handle that this process inherited (see the option `inherit` and map:handle).
---@param handle integer a file descriptor, or on Windows the HANDLE of a section
---@param size integer bytes, from 1
---@param access? filemap.access default: "rw"
---@return filemap.map? map
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function filemap.adopt(handle, size, access) end

---Removes a POSIX name (`/…`).
---@param name string
---@return true? removed
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function filemap.unlink(name) end

---Lists the live names that this user can see.
---@return filemap.entry[]? entries
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function filemap.list() end

---Reads a monotonic clock, which no change of the date moves.
---@return number seconds since some moment in the past
function filemap.now() end

---Suspends the process.
---@param seconds number from 0
function filemap.sleep(seconds) end

---A map: a section of memory or a file, whose bytes views give access to.
---@class filemap.map
---@operator len: integer
local map = {}

---Makes a view of a part of the map.
---@param offset? integer bytes from 0, aligned or not; default: 0
---@param length? integer bytes; default: all bytes from the offset
---@param access? filemap.access no more than the map gives; default: the map's
---@return filemap.view? view
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function map:view(offset, length, access) end

---Returns the map's size, as `#map` does.
---@return integer bytes
function map:size() end

---Returns the name that the map was made or opened by.
---@return string? name nil for unnamed memory, and for a file without a mapping's name
function map:name() end

---Returns the access that the map gives.
---@return filemap.access access
function map:access() end

---Returns the system's handle, which a child process can inherit (see the option `inherit`, and adopt).
---@return integer handle a file descriptor, or on Windows the section's HANDLE (0 for an empty file)
function map:handle() end

---Makes the file of a file map larger or smaller.
---@param size integer bytes, from 1
---@return true? resized
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function map:resize(size) end

---Reads the size of the map's file again, which becomes the map's size.
---@return integer? size in bytes
---@return string? message
---@return filemap.code? code
---@return integer? native
function map:refresh() end

---Closes the map.
---@return true closed
function map:close() end

---A view: bytes of a map, to read and write. Offsets count bytes from 0.
---@class filemap.view
---@operator len: integer
local view = {}

---Returns the view's size, as `#view` does.
---@return integer bytes
function view:size() end

---Returns the access that the view gives.
---@return filemap.access access
function view:access() end

---Makes a slice: a view of a part of this view, which keeps the mapping alive on its own.
---@param offset integer bytes from 0
---@param length integer bytes
---@param access? filemap.access no more than this view gives; default: this view's
---@return filemap.view? slice
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function view:sub(offset, length, access) end

---Writes bytes back to where they are stored.
---@param offset? integer bytes from 0; default: 0
---@param length? integer bytes; default: all bytes from the offset
---@param how? "async" do not wait
---@return true? flushed
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function view:flush(offset, length, how) end

---Tells the system how the program will use the bytes.
---@param hint "normal"|"sequential"|"random"|"willneed"|"dontneed"
---@param offset? integer bytes from 0; default: 0
---@param length? integer bytes; default: all bytes from the offset
---@return true advised
function view:advise(hint, offset, length) end

---Keeps the whole view in physical memory until `unpin`, or until the mapping has no user.
---@return true? pinned
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function view:pin() end

---Ends `pin`; without one it does nothing.
---@return true? unpinned
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function view:unpin() end

---Allocates the memory of a range of a map that was made with `commit = false`.
---@param offset integer bytes from 0
---@param length integer bytes
---@return true? committed
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError number
function view:commit(offset, length) end

---Unmaps the view, as `close` does.
---@return true unmapped
function view:unmap() end

---Unmaps the view, as `unmap` does.
---@return true closed
function view:close() end

---Reads an i8. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@return integer value
function view:get_i8(offset) end

---Writes an i8. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@param value integer
function view:set_i8(offset, value) end

---Reads a u8. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@return integer value
function view:get_u8(offset) end

---Writes a u8. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@param value integer
function view:set_u8(offset, value) end

---Reads an i16. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@return integer value
function view:get_i16(offset) end

---Writes an i16. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@param value integer
function view:set_i16(offset, value) end

---Reads a u16. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@return integer value
function view:get_u16(offset) end

---Writes a u16. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@param value integer
function view:set_u16(offset, value) end

---Reads an i32. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@return integer value
function view:get_i32(offset) end

---Writes an i32. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@param value integer
function view:set_i32(offset, value) end

---Reads a u32. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@return integer value
function view:get_u32(offset) end

---Writes a u32. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@param value integer
function view:set_u32(offset, value) end

---Reads an i64. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@return integer value
function view:get_i64(offset) end

---Writes an i64. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@param value integer
function view:set_i64(offset, value) end

---Reads a u64. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@return integer value
function view:get_u64(offset) end

---Writes a u64. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@param value integer
function view:set_u64(offset, value) end

---Reads an f32. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@return number value
function view:get_f32(offset) end

---Writes an f32. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@param value number
function view:set_f32(offset, value) end

---Reads an f64. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@return number value
function view:get_f64(offset) end

---Writes an f64. The byte order is the machine's; any alignment is allowed.
---@param offset integer bytes from 0
---@param value number
function view:set_f64(offset, value) end

---Returns the method `get_T` of this view as a plain function, for inner loops.
---@param T filemap.float_type
---@return fun(offset: integer): number
---@overload fun(self: filemap.view, T: filemap.integer_type): fun(offset: integer): integer
function view:getter(T) end

---Returns the method `set_T` of this view as a plain function, for inner loops.
---@param T filemap.float_type
---@return fun(offset: integer, value: number)
---@overload fun(self: filemap.view, T: filemap.integer_type): fun(offset: integer, value: integer)
function view:setter(T) end

---Reads an i32 atomically. All atomic methods are sequentially consistent among processes.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@return integer value
function view:load_i32(offset) end

---Writes an i32 atomically.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param value integer
function view:store_i32(offset, value) end

---Writes an i32 and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param value integer
---@return integer old
function view:exchange_i32(offset, value) end

---Adds to an i32, which wraps around, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param value integer
---@return integer old
function view:add_i32(offset, value) end

---Clears the bits of an i32 that are 0 in the value, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param value integer
---@return integer old
function view:and_i32(offset, value) end

---Sets the bits of an i32 that are 1 in the value, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param value integer
---@return integer old
function view:or_i32(offset, value) end

---Writes an i32 if the present value is `expected`.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param expected integer
---@param desired integer
---@return boolean swapped
---@return integer old
function view:compare_exchange_i32(offset, expected, desired) end

---Waits until an i32 is not `seen`. A change by a process that calls `wake` is noticed at once,
---one by any other program within 5 ms.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param seen integer
---@param timeout? number seconds; nil waits forever, 0 looks once
---@return integer? value the number, which is not `seen`
---@return string? message
---@return filemap.code? code
---@return integer? native
function view:wait_i32(offset, seen, timeout) end

---Reads a u32 atomically. All atomic methods are sequentially consistent among processes.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@return integer value
function view:load_u32(offset) end

---Writes a u32 atomically.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param value integer
function view:store_u32(offset, value) end

---Writes a u32 and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param value integer
---@return integer old
function view:exchange_u32(offset, value) end

---Adds to a u32, which wraps around, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param value integer
---@return integer old
function view:add_u32(offset, value) end

---Clears the bits of a u32 that are 0 in the value, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param value integer
---@return integer old
function view:and_u32(offset, value) end

---Sets the bits of a u32 that are 1 in the value, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param value integer
---@return integer old
function view:or_u32(offset, value) end

---Writes a u32 if the present value is `expected`.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param expected integer
---@param desired integer
---@return boolean swapped
---@return integer old
function view:compare_exchange_u32(offset, expected, desired) end

---Waits until a u32 is not `seen`. A change by a process that calls `wake` is noticed at once,
---one by any other program within 5 ms.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
---@param seen integer
---@param timeout? number seconds; nil waits forever, 0 looks once
---@return integer? value the number, which is not `seen`
---@return string? message
---@return filemap.code? code
---@return integer? native
function view:wait_u32(offset, seen, timeout) end

---Reads an i64 atomically. All atomic methods are sequentially consistent among processes.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@return integer value
function view:load_i64(offset) end

---Writes an i64 atomically.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param value integer
function view:store_i64(offset, value) end

---Writes an i64 and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param value integer
---@return integer old
function view:exchange_i64(offset, value) end

---Adds to an i64, which wraps around, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param value integer
---@return integer old
function view:add_i64(offset, value) end

---Clears the bits of an i64 that are 0 in the value, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param value integer
---@return integer old
function view:and_i64(offset, value) end

---Sets the bits of an i64 that are 1 in the value, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param value integer
---@return integer old
function view:or_i64(offset, value) end

---Writes an i64 if the present value is `expected`.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param expected integer
---@param desired integer
---@return boolean swapped
---@return integer old
function view:compare_exchange_i64(offset, expected, desired) end

---Waits until an i64 is not `seen`. A change by a process that calls `wake` is noticed at once,
---one by any other program within 5 ms.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param seen integer
---@param timeout? number seconds; nil waits forever, 0 looks once
---@return integer? value the number, which is not `seen`
---@return string? message
---@return filemap.code? code
---@return integer? native
function view:wait_i64(offset, seen, timeout) end

---Reads a u64 atomically. All atomic methods are sequentially consistent among processes.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@return integer value
function view:load_u64(offset) end

---Writes a u64 atomically.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param value integer
function view:store_u64(offset, value) end

---Writes a u64 and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param value integer
---@return integer old
function view:exchange_u64(offset, value) end

---Adds to a u64, which wraps around, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param value integer
---@return integer old
function view:add_u64(offset, value) end

---Clears the bits of a u64 that are 0 in the value, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param value integer
---@return integer old
function view:and_u64(offset, value) end

---Sets the bits of a u64 that are 1 in the value, and returns the old value.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param value integer
---@return integer old
function view:or_u64(offset, value) end

---Writes a u64 if the present value is `expected`.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param expected integer
---@param desired integer
---@return boolean swapped
---@return integer old
function view:compare_exchange_u64(offset, expected, desired) end

---Waits until a u64 is not `seen`. A change by a process that calls `wake` is noticed at once,
---one by any other program within 5 ms.
---@param offset integer in bytes from 0; the memory there must be aligned to 8 bytes
---@param seen integer
---@param timeout? number seconds; nil waits forever, 0 looks once
---@return integer? value the number, which is not `seen`
---@return string? message
---@return filemap.code? code
---@return integer? native
function view:wait_u64(offset, seen, timeout) end

---Wakes every process that waits for the number at `offset`. A process calls it after it has changed the
---number.
---@param offset integer in bytes from 0; the memory there must be aligned to 4 bytes
function view:wake(offset) end

---Makes an array of the numbers in a part of this view.
---@param T filemap.integer_type|filemap.float_type
---@param offset integer of the first number, bytes from 0
---@param count integer how many
---@return filemap.array array
function view:array(T, offset, count) end

---Finds bytes.
---@param bytes string any bytes; an empty string is found at `offset`
---@param offset? integer where the search begins, in bytes from 0; default: 0
---@param stop? integer the end of the range that is searched; default: the view's size
---@return integer? offset nil if there is no occurrence
function view:find(bytes, offset, stop) end

---Writes the same byte everywhere in a range.
---@param offset integer bytes from 0
---@param length integer bytes
---@param byte integer 0 to 255
function view:fill(offset, length, byte) end

---Copies bytes from this view or another one.
---@param offset integer where the bytes are written, in bytes from 0
---@param source filemap.view
---@param source_offset integer bytes from 0
---@param length integer bytes
function view:copy(offset, source, source_offset, length) end

---Compares bytes with those of this view or another one.
---@param offset integer bytes from 0
---@param other filemap.view
---@param other_offset integer bytes from 0
---@param length integer bytes
---@return boolean same
function view:equals(offset, other, other_offset, length) end

---Reads bytes.
---@param offset integer bytes from 0
---@param length integer bytes
---@return string bytes
function view:get_string(offset, length) end

---Writes the bytes of a string, and no NUL after them.
---@param offset integer bytes from 0
---@param s string any bytes
function view:set_string(offset, s) end

---Reads text up to its NUL.
---@param offset integer bytes from 0
---@param max? integer the most bytes to read; default: all bytes from the offset
---@return string text without the NUL
function view:get_cstring(offset, max) end

---Writes text and a NUL, and zeroes the rest of its capacity.
---@param offset integer bytes from 0
---@param s string without NUL
---@param capacity integer the room for the text and its NUL, in bytes
function view:set_cstring(offset, s, capacity) end

---Reads UTF-16 in this machine's byte order, which is `wchar_t` on Windows, up to its NUL.
---@param offset integer bytes from 0
---@param max? integer the most units of 2 bytes to read; default: all units from the offset
---@return string text UTF-8
function view:get_utf16(offset, max) end

---Writes text as UTF-16 and a NUL, and zeroes the rest of its capacity.
---@param offset integer bytes from 0
---@param s string UTF-8 without NUL
---@param capacity integer the room for the text and its NUL, in units of 2 bytes
function view:set_utf16(offset, s, capacity) end

---Reads UTF-32 in this machine's byte order, which is `wchar_t` on Linux, up to its NUL.
---@param offset integer bytes from 0
---@param max? integer the most units of 4 bytes to read; default: all units from the offset
---@return string text UTF-8
function view:get_utf32(offset, max) end

---Writes text as UTF-32 and a NUL, and zeroes the rest of its capacity.
---@param offset integer bytes from 0
---@param s string UTF-8 without NUL
---@param capacity integer the room for the text and its NUL, in units of 4 bytes
function view:set_utf32(offset, s, capacity) end

---Reads several fields, by a format of `string.pack`.
---@param fmt string
---@param offset integer bytes from 0
---@return any ... the values, and after them the offset after the last field
function view:unpack(fmt, offset) end

---Writes several fields, by a format of `string.pack`.
---@param fmt string
---@param offset integer bytes from 0
---@param ... any the values
---@return integer after the offset after the last field
function view:pack(fmt, offset, ...) end

---Iterates over the lines from an offset on, as `file:lines` does.
---@param offset? integer where the first line starts, in bytes from 0; default: 0
---@return fun(): string? next a line without its newline
function view:lines(offset) end

---Makes a stream of a part of this view, which is used as a file is.
---@param offset? integer bytes from 0; default: 0
---@param length? integer bytes; default: all bytes from the offset
---@return filemap.stream stream at its start
function view:stream(offset, length) end

---An array of numbers, used as a table is. Indices count from 1.
---@class filemap.array
---@operator len: integer
---@field [integer] number
local array = {}

---Copies numbers to a table.
---@param i? integer default: 1
---@param j? integer default: the last one's index
---@return number[] numbers of which the first is that at index `i`
function array:get(i, j) end

---Writes the numbers of a table, all of them, or none if it raises.
---@param i integer the index of the first number that is written
---@param t number[]
function array:set(i, t) end

---Copies numbers from this array or another one of the same type.
---@param i integer the index of the first number that is written
---@param source filemap.array
---@param j integer the index of the first number in `source`
---@param n integer how many
function array:copy(i, source, j, n) end

---A stream: a part of a view that is read and written at a position, as a file is.
---@class filemap.stream
local stream = {}

---Reads by Lua's formats: a number, a line, all bytes to the end, or a count of bytes.
---@param ... "n"|"l"|"L"|"a"|integer none: `"l"`
---@return string|number|nil ... for the first format that fails nil, and nothing for the formats after it
function stream:read(...) end

---Writes strings and numbers, one after the other.
---@param ... string|number
---@return filemap.stream? itself
---@return string? message
---@return filemap.code? code
function stream:write(...) end

---Iterates over what `read` returns.
---@param ... "n"|"l"|"L"|"a"|integer none: `"l"`
---@return fun(): string|number|nil, ... next
function stream:lines(...) end

---Moves the position and returns it.
---@param whence? "set"|"cur"|"end" where the offset counts from; default: "cur"
---@param offset? integer in bytes; default: 0
---@return integer? position in bytes from the start
---@return string? message
---@return filemap.code? code
function stream:seek(whence, offset) end

---Closes the stream, not the view.
---@return true closed
function stream:close() end

return filemap
