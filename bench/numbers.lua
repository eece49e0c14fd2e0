-- Single numbers: methods, and closures for hot loops.
local subjects = require "bench.subjects"

local unpack, pack = string.unpack, string.pack
local noise = subjects.noise(4096)
local view, block = subjects.twins(noise)
local file = subjects.file(noise)

local topic = { name = "numbers", title = "Numbers",
  how = "One number at one offset of 4096 bytes, repeatedly. `v` is a view. `c` is a block of the C limit, "
    .. "whose methods check self by the address of its metatable, and the type and range of the offset and "
    .. "the value. `s` is a string with the same bytes, and `f` is a file with them." }

local get = { id = "get_i32", work = "`get_i32`", needs = { "get_i32" },
  how = "The method compared with the same method in C, and with `string.unpack` on an existing string. "
    .. "\"io file\" seeks, reads and unpacks in a file opened by `io.open`.",
  bounds = { { against = "C limit", most = 1.15 }, { against = "string.unpack", most = 0.8 } } }

function get.competitors()
  return {
    { "filemap", "local x = v:get_i32(64)", { v = view } },
    { "C limit", "local x = c:get_i32(64)", { c = block } },
    { "string.unpack", 'local x = unpack("i4", s, 65)', { unpack = unpack, s = noise } },
    { "io file", 'f:seek("set", 64) local x = unpack("i4", f:read(4))', { unpack = unpack, f = file } },
  }
end

local set = { id = "set_i32", work = "`set_i32`", needs = { "set_i32" },
  how = "As for `get_i32`. `string.pack` makes the four bytes but does not store them. \"io file\" seeks "
    .. "and writes.",
  bounds = { { against = "C limit", most = 1.15 }, { against = "string.unpack", most = 0.8 } } }

function set.competitors()
  return {
    { "filemap", "v:set_i32(64, 42)", { v = view } },
    { "C limit", "c:set_i32(64, 42)", { c = block } },
    { "string.unpack", 'local x = unpack("i4", s, 65)', { unpack = unpack, s = noise } },
    { "string.pack", 'local x = pack("i4", 42)', { pack = pack } },
    { "io file", 'f:seek("set", 64) f:write(pack("i4", 42))', { pack = pack, f = file } },
  }
end

local getter = { id = "getter", work = "`getter \"i32\"`", needs = { "getter" },
  how = "The closure compared with a closure in C, which has its block as an upvalue.",
  bounds = { { against = "C limit", most = 1.15 } } }

function getter.competitors()
  return {
    { "filemap", "local x = get(64)", { get = view:getter "i32" } },
    { "C limit", "local x = get(64)", { get = block:getter_i32() } },
    { "string.unpack", 'local x = unpack("i4", s, 65)', { unpack = unpack, s = noise } },
  }
end

local setter = { id = "setter", work = "`setter \"i32\"`", needs = { "setter" },
  how = "The closure compared with a closure in C.", bounds = { { against = "C limit", most = 1.15 } } }

function setter.competitors()
  return {
    { "filemap", "set(64, 42)", { set = view:setter "i32" } },
    { "C limit", "set(64, 42)", { set = block:setter_i32() } },
    { "string.pack", 'local x = pack("i4", 42)', { pack = pack } },
  }
end

-- Another type, compared with the view's own i32.
local function other_type(way, T, format, statement)
  local value = T:find "^f" and "0.5" or "42"
  return { id = way .. "_" .. T, work = ("`%s_%s`"):format(way, T), needs = { way .. "_" .. T },
    alike = way, -- all look like i32: not in the plot, and explained once
    how = "Compared with the same type in C, and with i32 of the same view.",
    bounds = { { against = "filemap's i32", most = 1.2, as = ("other types than i32, %s_T"):format(way) } },
    competitors = function()
      return {
        { "filemap", statement:format("v", T, value), { v = view } },
        { "C limit", statement:format("c", T, value), { c = block } },
        { "filemap's i32", statement:format("v", "i32", "42"), { v = view } },
        { "string.unpack", ('local x = unpack("%s", s, 65)'):format(format), { unpack = unpack, s = noise } },
      }
    end }
end

local comparisons = { get, set, getter, setter }
local others = { { "i8", "i1" }, { "u8", "I1" }, { "i16", "i2" }, { "u16", "I2" }, { "u32", "I4" },
  { "i64", "i8" }, { "u64", "I8" }, { "f32", "f" }, { "f64", "d" } }
for _, other in ipairs(others) do
  comparisons[#comparisons + 1] = other_type("get", other[1], other[2], "local x = %s:get_%s(64)")
end
for _, other in ipairs(others) do
  comparisons[#comparisons + 1] = other_type("set", other[1], other[2], "%s:set_%s(64, %s)")
end

topic.comparisons = comparisons
return topic
