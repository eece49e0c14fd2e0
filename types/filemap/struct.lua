---@meta filemap.struct

-- What editors are told of filemap.struct; see types/filemap.lua.

---A type of a field: a word, a struct or union, an enum, or a type by filemap.cdef.
---@alias filemap.field_type
---| "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f32" | "f64"
---| "bool"
---| "pointer" # an integer
---| "char" # an array of it is text up to NUL
---| "utf16" # likewise, in units of 16 bits
---| "utf32" # likewise, in units of 32 bits
---| filemap.type
---| filemap.struct

---A field: name, type, the counts of its dimensions, and how it is placed.
---@class filemap.field
---@field [1] string name; "" for a struct or union whose members are the outer one's, and for bits that only pad
---@field [2] filemap.field_type
---@field [integer] integer a dimension
---@field offset? integer bytes
---@field bits? integer makes a bit-field
---@field align? integer bytes, a power of 2

---How a struct is laid out.
---@class filemap.layout_options
---@field pack? integer bytes; no member aligns to more
---@field align? integer bytes; the whole aligns to at least that
---@field endian? "<"|">" the order of the members' bytes

---Whom a snapshot trusts: paths to integers of the struct.
---@class filemap.guard
---@field even? string a counter that is odd while the writer is at work
---@field first? string one that is changed before,
---@field last? string and one that is changed after
---@field same? string one that is changed with each update

---A struct in its place: its fields by their names.
---@class filemap.record
---@field [string] any

---Records one behind the other, from 1.
---@class filemap.records
---@field [integer] filemap.record

---A type of numbers, an enum, an array: for fields.
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

---Defines a union: all members at the same place.
---@param name? string for messages
---@param fields filemap.field[]
---@param options? filemap.layout_options
---@return filemap.struct
function struct.union(name, fields, options) end

---Defines an enumeration.
---@param name? string for messages
---@param values table values by name, or in order as in C
---@param T? string the type of integers that it is kept as; default: "i32"
---@return filemap.type
function struct.enum(name, values, T) end

---A struct or union.
---@class filemap.struct
---@field name? string
---@field size integer bytes
---@field align integer bytes
local type = {}

---A record in its place: reading and writing it reads and writes the view.
---@param view filemap.view
---@param offset? integer bytes; default: 0
---@return filemap.record
function type:at(view, offset) end

---Reads all members, from one copy of the bytes.
---@param view filemap.view
---@param offset? integer bytes; default: 0
---@return table
function type:read(view, offset) end

---Writes the members that the table has, and leaves the others alone.
---@param view filemap.view
---@param offset integer bytes
---@param t table
function type:write(view, offset, t) end

---Records one behind the other.
---@param view filemap.view
---@param offset integer bytes, of the first
---@param count integer
---@param stride? integer bytes from one to the next; default: the size
---@return filemap.records
function type:array(view, offset, count, stride) end

---Where a member is.
---@param path string as one writes it on a record: "cars[3].pos[1]"
---@return integer offset in bytes
---@return integer size in bytes; of a bit-field that of the integer it is part of
---@return integer? first of a bit-field: its lowest bit in that integer
---@return integer? width of a bit-field: its bits
function type:offsetof(path) end

---Reads all members as no writer has changed half-way.
---@param view filemap.view
---@param offset integer bytes
---@param guard filemap.guard the writer's protocol
---@param timeout? number seconds; nil goes on for ever
---@return table?
---@return string? message
---@return filemap.code? code "timeout"
function type:snapshot(view, offset, guard, timeout) end

return struct
