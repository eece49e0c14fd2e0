---@meta filemap.struct

-- Annotations of filemap.struct for editors; see filemap.lua.

---The type of a field: a word, a struct or union, an enum, or a type by filemap.cdef.
---@alias filemap.field_type
---| "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f32" | "f64"
---| "bool"
---| "pointer" # an integer
---| "char" # an array of it is text up to NUL
---| "utf16" # the same in units of 16 bits
---| "utf32" # the same in units of 32 bits
---| "bytes" # with a count: one string
---| filemap.type
---| filemap.struct

---A field: its name, its type, the counts of its dimensions, and how it is placed.
---@class filemap.field
---@field [1] string name; "" for a struct or union whose members are the outer one's, and for padding bits
---@field [2] filemap.field_type
---@field [integer] integer the count of a dimension; 0 at the end of a struct makes a flexible array
---@field offset? integer in bytes
---@field bits? integer makes a bit-field of so many bits
---@field align? integer in bytes, a power of 2

---How a struct is laid out.
---@class filemap.layout_options
---@field pack? integer in bytes: no member has a greater alignment
---@field align? integer in bytes: the struct has at least this alignment
---@field endian? "<"|">" the byte order of the members

---The protocol of a writer: paths to integers of the struct.
---@class filemap.guard
---@field even? string a counter that is odd while the writer is at work
---@field first? string a counter that is changed before an update,
---@field last? string and one that is changed after it
---@field same? string a counter that changes with each update

---A struct in a view: its fields by their names.
---@class filemap.record
---@field [string] any

---Elements in a view, from 1. `get` gives a table of those from i to j; `set` writes those of a table from i
---on, all or none; `copy` copies n elements from an array of the same type. Arrays of bytes also have
---`get_string` (n bytes, by default all) and `get_cstring` (up to a NUL).
---@class filemap.elements
---@field [integer] any
---@field get fun(self: filemap.elements, i?: integer, j?: integer): table
---@field set fun(self: filemap.elements, i: integer, t: table)
---@field copy fun(self: filemap.elements, i: integer, source: filemap.elements, j: integer, n: integer)
---@field get_string? fun(self: filemap.elements, n?: integer): string
---@field get_cstring? fun(self: filemap.elements): string

---Records, one behind the other.
---@class filemap.records: filemap.elements
---@field [integer] filemap.record

---A type of numbers, an enum or an array, for fields.
---@class filemap.type

---C structs over a view, in the platform's C layout.
---@class filemap.struct_module
local struct = {}

---Defines a struct.
---@param name? string for messages
---@param fields filemap.field[]
---@param options? filemap.layout_options
---@return filemap.struct
function struct.define(name, fields, options) end

---Defines a union, whose members are all at the same place.
---@param name? string for messages
---@param fields filemap.field[]
---@param options? filemap.layout_options
---@return filemap.struct
function struct.union(name, fields, options) end

---Defines an enumeration.
---@param name? string for messages
---@param values table values by name, or in order as in C
---@param T? string the type of integers that stores it; default: "i32"
---@return filemap.type
function struct.enum(name, values, T) end

---Tells where a record or an array is.
---@param object filemap.record|filemap.elements
---@return filemap.view view
---@return integer offset in bytes
---@return filemap.struct|filemap.type type of the record, or of the array's elements
function struct.locate(object) end

---A struct or union.
---@class filemap.struct
---@field name? string
---@field size integer in bytes
---@field align integer in bytes
local type = {}

---Makes a record: an object whose fields are read from the view and written to it.
---@param view filemap.view
---@param offset? integer in bytes; default: 0
---@param count? integer elements of the flexible array; default: as many as fit in the view
---@return filemap.record
function type:at(view, offset, count) end

---Reads all members, from one copy of the bytes.
---@param view filemap.view
---@param offset? integer in bytes; default: 0
---@param count? integer elements of the flexible array; default: as many as fit in the view
---@return table
function type:read(view, offset, count) end

---Writes the members that the table has, and leaves the others alone.
---@param view filemap.view
---@param offset integer in bytes
---@param t table
function type:write(view, offset, t) end

---Makes an array of records, one behind the other.
---@param view filemap.view
---@param offset integer of the first, in bytes
---@param count integer
---@param stride? integer bytes from one to the next; default: the size
---@return filemap.records
function type:array(view, offset, count, stride) end

---Finds a member's place.
---@param path string as it is written on a record: "cars[3].pos[1]"
---@return integer offset in bytes
---@return integer size in bytes; of a bit-field the size of the integer that it is part of
---@return integer? first of a bit-field: its lowest bit in that integer
---@return integer? width of a bit-field: its bits
function type:offsetof(path) end

---Reads all members as no writer has changed them half-way.
---@param view filemap.view
---@param offset integer in bytes
---@param guard filemap.guard the writer's protocol
---@param timeout? number seconds; 0 tries once, nil waits forever
---@return table?
---@return string? message
---@return filemap.code? code "timeout"
function type:snapshot(view, offset, guard, timeout) end

return struct
