---@meta filemap

-- What editors are told of filemap. The reference, which is made of the comments in the sources, says more:
-- these are its first sentences. A spec compares the two with what there is.

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
---@field commit? boolean whether the memory is there on return; default: true
---@field large_pages? boolean default: false. On Linux of unnamed memory

---@class filemap.open_options
---@field size? integer the least it must have, in bytes, and what the map's size then is
---@field inherit? boolean whether child processes inherit the handle; default: false

---@class filemap.file_options
---@field size? integer bytes to create or grow it to, with a writable access; else the least it must have
---@field mode? string POSIX permissions in octal, if it is created; default: "0600". No effect on Windows
---@field sddl? string security descriptor of what is made; Windows only
---@field name? string also names the mapping; Windows only
---@field inherit? boolean whether child processes inherit the handle; default: false
---@field commit? boolean whether the space is there on return; default: true

---@class filemap.entry
---@field name string
---@field size integer bytes

---Memory mapping as IPC: sections of memory and files, shared by name, through a path, or inherited.
---
---A mistake in the program raises. A failure of the world returns `nil, message, code, native`.
---@class filemap
---@field _VERSION string the version of this module
---@field platform "posix"|"win32"|"stub" the system it runs on; "stub": one that it does not know
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
---@return integer? native errno or GetLastError
function filemap.create(name, size, options) end

---Opens a section that is there.
---@param name string
---@param access? filemap.access default: "r"
---@param options? filemap.open_options
---@return filemap.map? map
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function filemap.open(name, access, options) end

---Opens a section, or makes it where there is none.
---@param name? string nil: unnamed
---@param size integer bytes, from 1; the map's size in either case
---@param options? filemap.create_options
---@return filemap.map? map
---@return boolean|string created or, on failure, the message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function filemap.create_or_open(name, size, options) end

---Maps a regular file.
---@param path string
---@param access? filemap.access default: "r"
---@param options? filemap.file_options
---@return filemap.map? map of the file's size
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function filemap.file(path, access, options) end

---Makes a map of a handle that this process inherited, which it owns from then on.
---@param handle integer a file descriptor, or on Windows the HANDLE of a section
---@param size integer bytes, from 1
---@param access? filemap.access default: "rw"
---@return filemap.map? map
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function filemap.adopt(handle, size, access) end

---Removes a POSIX name (`/...`); who has it open keeps it.
---@param name string
---@return true? removed
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function filemap.unlink(name) end

---The live names that this user can see.
---@return filemap.entry[]? entries
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function filemap.list() end

---A map: a section of memory, or a file, of which views can be made.
---@class filemap.map
---@operator len: integer
local map = {}

---Views a part of the map. The view goes on when the map is closed, and holds the name.
---@param offset? integer bytes from 0, aligned or not; default: 0
---@param length? integer bytes; default: the rest
---@param access? filemap.access no more than the map gives; default: the map's
---@return filemap.view? view
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function map:view(offset, length, access) end

---The map's size, also as `#map`.
---@return integer bytes
function map:size() end

---The name it was made or opened by.
---@return string? name nil for unnamed memory, and for a file without a mapping's name
function map:name() end

---The access it gives.
---@return filemap.access access
function map:access() end

---The system's handle, to be handed to a child. It stays the map's: do not close it.
---@return integer handle a file descriptor, or on Windows the section's HANDLE (0 for an empty file)
function map:handle() end

---Gives the file of a file map another size, larger or smaller.
---@param size integer bytes, from 1
---@return true? resized
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function map:resize(size) end

---Closes the map; twice is fine. Its views go on.
---@return true closed
function map:close() end

---A view: bytes of a map that can be read and written. Offsets count bytes from 0.
---@class filemap.view
---@operator len: integer
local view = {}

---The view's size, also as `#view`.
---@return integer bytes
function view:size() end

---What may be done through it.
---@return filemap.access access
function view:access() end

---A slice, which keeps the mapping alive on its own.
---@param offset integer bytes from 0
---@param length integer bytes
---@param access? filemap.access no more than this view gives; default: this view's
---@return filemap.view? slice
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function view:sub(offset, length, access) end

---Writes the bytes back.
---@param offset? integer bytes from 0; default: 0
---@param length? integer bytes; default: the rest
---@param how? "async" only start it
---@return true? flushed
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function view:flush(offset, length, how) end

---Tells the system how the bytes will be used. It never changes what is read.
---@param hint "normal"|"sequential"|"random"|"willneed"|"dontneed"
---@param offset? integer bytes from 0; default: 0
---@param length? integer bytes; default: the rest
---@return true advised
function view:advise(hint, offset, length) end

---Keeps the whole view in memory until `unpin`, or until nothing uses the mapping any more.
---@return true? pinned
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function view:pin() end

---Ends `pin`. Pins are by page and not counted: what slices share is let go for all.
---@return true? unpinned
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function view:unpin() end

---Takes the memory of a range of a map that was made with `commit = false`.
---@param offset integer bytes from 0
---@param length integer bytes
---@return true? committed
---@return string? message
---@return filemap.code? code
---@return integer? native errno or GetLastError
function view:commit(offset, length) end

---Unmaps the view; twice is fine.
---@return true unmapped
function view:unmap() end

---The same as `unmap`.
---@return true closed
function view:close() end

---Reads an i8, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@return integer value
function view:get_i8(offset) end

---Writes an i8, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@param value integer
function view:set_i8(offset, value) end

---Reads a u8, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@return integer value
function view:get_u8(offset) end

---Writes a u8, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@param value integer
function view:set_u8(offset, value) end

---Reads an i16, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@return integer value
function view:get_i16(offset) end

---Writes an i16, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@param value integer
function view:set_i16(offset, value) end

---Reads a u16, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@return integer value
function view:get_u16(offset) end

---Writes a u16, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@param value integer
function view:set_u16(offset, value) end

---Reads an i32, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@return integer value
function view:get_i32(offset) end

---Writes an i32, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@param value integer
function view:set_i32(offset, value) end

---Reads a u32, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@return integer value
function view:get_u32(offset) end

---Writes a u32, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@param value integer
function view:set_u32(offset, value) end

---Reads an i64, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@return integer value
function view:get_i64(offset) end

---Writes an i64, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@param value integer
function view:set_i64(offset, value) end

---Reads a u64, in native byte order, at any alignment.
---From 2^63 on it comes as the negative integer of the same bits.
---@param offset integer bytes from 0
---@return integer value
function view:get_u64(offset) end

---Writes a u64, in native byte order, at any alignment.
---Any integer's bits will do.
---@param offset integer bytes from 0
---@param value integer
function view:set_u64(offset, value) end

---Reads an f32, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@return number value
function view:get_f32(offset) end

---Writes an f32, in native byte order, at any alignment. One that is too large becomes infinity.
---@param offset integer bytes from 0
---@param value number
function view:set_f32(offset, value) end

---Reads an f64, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@return number value
function view:get_f64(offset) end

---Writes an f64, in native byte order, at any alignment.
---@param offset integer bytes from 0
---@param value number
function view:set_f64(offset, value) end

---The method `get_T` of this view as a plain function, which keeps the view from being collected.
---@param T filemap.float_type
---@return fun(offset: integer): number
---@overload fun(self: filemap.view, T: filemap.integer_type): fun(offset: integer): integer
function view:getter(T) end

---The method `set_T` of this view as a plain function, which keeps the view from being collected.
---@param T filemap.float_type
---@return fun(offset: integer, value: number)
---@overload fun(self: filemap.view, T: filemap.integer_type): fun(offset: integer, value: integer)
function view:setter(T) end

---Reads an i32 whole; sequentially consistent, as all the atomic methods.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@return integer value
function view:load_i32(offset) end

---Writes an i32 whole.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param value integer
function view:store_i32(offset, value) end

---Writes an i32 and tells what was there before.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param value integer
---@return integer old
function view:exchange_i32(offset, value) end

---Adds to an i32, which wraps around.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param value integer
---@return integer old
function view:add_i32(offset, value) end

---Keeps those bits of an i32 that the value has.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param value integer
---@return integer old
function view:and_i32(offset, value) end

---Adds the bits that the value has to an i32.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param value integer
---@return integer old
function view:or_i32(offset, value) end

---Writes an i32 if the one there is as expected.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param expected integer
---@param desired integer
---@return boolean swapped
---@return integer old
function view:compare_exchange_i32(offset, expected, desired) end

---Reads a u32 whole; sequentially consistent, as all the atomic methods.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@return integer value
function view:load_u32(offset) end

---Writes a u32 whole.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param value integer
function view:store_u32(offset, value) end

---Writes a u32 and tells what was there before.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param value integer
---@return integer old
function view:exchange_u32(offset, value) end

---Adds to a u32, which wraps around.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param value integer
---@return integer old
function view:add_u32(offset, value) end

---Keeps those bits of a u32 that the value has.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param value integer
---@return integer old
function view:and_u32(offset, value) end

---Adds the bits that the value has to a u32.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param value integer
---@return integer old
function view:or_u32(offset, value) end

---Writes a u32 if the one there is as expected.
---@param offset integer bytes from 0, at which the memory is aligned to 4 bytes
---@param expected integer
---@param desired integer
---@return boolean swapped
---@return integer old
function view:compare_exchange_u32(offset, expected, desired) end

---Reads an i64 whole; sequentially consistent, as all the atomic methods.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@return integer value
function view:load_i64(offset) end

---Writes an i64 whole.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param value integer
function view:store_i64(offset, value) end

---Writes an i64 and tells what was there before.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param value integer
---@return integer old
function view:exchange_i64(offset, value) end

---Adds to an i64, which wraps around.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param value integer
---@return integer old
function view:add_i64(offset, value) end

---Keeps those bits of an i64 that the value has.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param value integer
---@return integer old
function view:and_i64(offset, value) end

---Adds the bits that the value has to an i64.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param value integer
---@return integer old
function view:or_i64(offset, value) end

---Writes an i64 if the one there is as expected.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param expected integer
---@param desired integer
---@return boolean swapped
---@return integer old
function view:compare_exchange_i64(offset, expected, desired) end

---Reads a u64 whole; sequentially consistent, as all the atomic methods.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@return integer value
function view:load_u64(offset) end

---Writes a u64 whole.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param value integer
function view:store_u64(offset, value) end

---Writes a u64 and tells what was there before.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param value integer
---@return integer old
function view:exchange_u64(offset, value) end

---Adds to a u64, which wraps around.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param value integer
---@return integer old
function view:add_u64(offset, value) end

---Keeps those bits of a u64 that the value has.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param value integer
---@return integer old
function view:and_u64(offset, value) end

---Adds the bits that the value has to a u64.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param value integer
---@return integer old
function view:or_u64(offset, value) end

---Writes a u64 if the one there is as expected.
---@param offset integer bytes from 0, at which the memory is aligned to 8 bytes
---@param expected integer
---@param desired integer
---@return boolean swapped
---@return integer old
function view:compare_exchange_u64(offset, expected, desired) end

---An array of numbers in this view.
---@param T filemap.integer_type|filemap.float_type
---@param offset integer of the first number, bytes from 0
---@param count integer how many
---@return filemap.array array
function view:array(T, offset, count) end

---Finds bytes.
---@param bytes string any; none are found at once
---@param offset? integer where to begin, bytes from 0; default: 0
---@param stop? integer the offset before which they must end; default: the view's end
---@return integer? offset nil if there are none
function view:find(bytes, offset, stop) end

---Writes the same byte everywhere in a range.
---@param offset integer bytes from 0
---@param length integer bytes
---@param byte integer 0 to 255
function view:fill(offset, length, byte) end

---Copies bytes from a view, this one or another; the ranges may overlap.
---@param offset integer where to, bytes from 0
---@param source filemap.view
---@param source_offset integer bytes from 0
---@param length integer bytes
function view:copy(offset, source, source_offset, length) end

---Compares bytes with those of a view, this one or another.
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

---Writes bytes, and nothing after them.
---@param offset integer bytes from 0
---@param s string any bytes
function view:set_string(offset, s) end

---Reads text up to its NUL.
---@param offset integer bytes from 0
---@param max? integer the most bytes; without a NUL the text ends there, or at the view's end
---@return string text without the NUL
function view:get_cstring(offset, max) end

---Writes text, a NUL, and zeros over the rest of its room.
---@param offset integer bytes from 0
---@param s string without NUL
---@param capacity integer the room in bytes, with the NUL
function view:set_cstring(offset, s, capacity) end

---Reads UTF-16 of this machine's byte order (Windows' `wchar_t`) up to its NUL.
---@param offset integer bytes from 0
---@param max? integer the most units of 2 bytes; without a NUL the text ends there, or at the view's end
---@return string text UTF-8
function view:get_utf16(offset, max) end

---Writes text as UTF-16, a NUL, and zeros over the rest of its room.
---@param offset integer bytes from 0
---@param s string UTF-8 without NUL
---@param capacity integer the room in units of 2 bytes, with the NUL
function view:set_utf16(offset, s, capacity) end

---Reads UTF-32 of this machine's byte order (Linux' `wchar_t`) up to its NUL.
---@param offset integer bytes from 0
---@param max? integer the most units of 4 bytes; without a NUL the text ends there, or at the view's end
---@return string text UTF-8
function view:get_utf32(offset, max) end

---Writes text as UTF-32, a NUL, and zeros over the rest of its room.
---@param offset integer bytes from 0
---@param s string UTF-8 without NUL
---@param capacity integer the room in units of 4 bytes, with the NUL
function view:set_utf32(offset, s, capacity) end

---Reads several fields at once, by a format of `string.pack`. Alignment counts from `offset`.
---@param fmt string
---@param offset integer bytes from 0
---@return any ... the values, and then the offset after them
function view:unpack(fmt, offset) end

---Writes several fields at once, by a format of `string.pack`: all of them, or none where it raises.
---@param fmt string
---@param offset integer bytes from 0
---@param ... any the values
---@return integer after the offset after them
function view:pack(fmt, offset, ...) end

---Iterates over the lines, as a file's `lines` does.
---@param offset? integer bytes from 0, where the first one starts; default: 0
---@return fun(): string? next a line without its newline
function view:lines(offset) end

---A part of this view as a stream, which is used as a file is.
---@param offset? integer bytes from 0; default: 0
---@param length? integer bytes; default: the rest
---@return filemap.stream stream at its start
function view:stream(offset, length) end

---An array: `a[i]` reads the i-th number, or nil out of range, and `a[i] = x` writes it; `#a` is their count.
---@class filemap.array
---@operator len: integer
---@field [integer] number
local array = {}

---A table of the numbers from the i-th to the j-th; what is out of range is nil.
---@param i? integer default: 1
---@param j? integer default: the last one's index
---@return number[] numbers the i-th has index 1
function array:get(i, j) end

---Writes the numbers of a table, all or none, from the i-th on.
---@param i integer
---@param t number[]
function array:set(i, t) end

---Copies numbers from an array of the same type, this one or another; the ranges may overlap.
---@param i integer the index of the first that is written
---@param source filemap.array
---@param j integer the index of the first in `source`
---@param n integer how many
function array:copy(i, source, j, n) end

---A stream: a part of a view that is read and written from a position on, as a file is.
---@class filemap.stream
local stream = {}

---Reads, by Lua's formats: `"n"`, `"l"`, `"L"`, `"a"`, or a number of bytes.
---@param ... "n"|"l"|"L"|"a"|integer none: `"l"`
---@return string|number|nil ... nil, and none behind it, where there was no such thing
function stream:read(...) end

---Writes strings and numbers, one behind the other: all of them or, where they do not fit, nothing.
---@param ... string|number
---@return filemap.stream? itself
---@return string? message
---@return filemap.code? code
function stream:write(...) end

---Iterates over what is read by formats.
---@param ... "n"|"l"|"L"|"a"|integer none: `"l"`
---@return fun(): string|number|nil, ... next
function stream:lines(...) end

---Moves the position, and tells it. It may be past the end, where there is nothing to read or write.
---@param whence? "set"|"cur"|"end" from the start, the position or the end; default: "cur"
---@param offset? integer in bytes; default: 0
---@return integer? position in bytes from the start
---@return string? message
---@return filemap.code? code
function stream:seek(whence, offset) end

---Closes the stream, not the view; twice is fine.
---@return true closed
function stream:close() end

return filemap
