-- Several fields at once, in the formats of string.pack.
local subjects = require "bench.subjects"

local bytes = string.pack("i4i4fd", 7, -7, 0.5, 0.25)
local text = string.pack("i4z", 7, "a name of 24 characters.")
local view, block = subjects.twins(bytes .. ("\0"):rep(4096))
local text_view = subjects.twins(text .. ("\0"):rep(4096))
local s, text_s = view:get_string(0, #view), text_view:get_string(0, #text_view)

local topic = { name = "packed", title = "Packed fields",
  how = "`v` is a view, and `s` is an existing string of the same bytes. \"read out\" first makes a string "
    .. "of the bytes needed. The C limit is a method for these fields only, which parses no format. There "
    .. "is no bound against it." }

local function unpacking(format)
  return { id = "unpack " .. format, work = ("`unpack \"%s\"`"):format(format), needs = { "unpack" },
    how = "Two i32, an f32 and an f64, and the offset after them.",
    bounds = { { against = "string.unpack", most = 1.1 } },
    competitors = function()
      local names = { v = view, c = block, s = s, n = #bytes, unpack = string.unpack, form = format }
      return {
        { "filemap", "local a, b, x, y, next = v:unpack(form, 0)", names },
        { "C limit", "local a, b, x, y, next = c:fields(0)", names },
        { "string.unpack", "local a, b, x, y, next = unpack(form, s, 1)", names },
        { "read out", "local a, b, x, y, next = unpack(form, v:get_string(0, n))", names },
      }
    end }
end

local with_text = { id = "unpack i4z", garbage = true, work = "`unpack \"i4z\"`", needs = { "unpack" },
  how = "An i32 and a text of 24 bytes that ends with NUL.",
  bounds = { { against = "string.unpack", most = 1.1 } } }

function with_text.competitors()
  local names = { v = text_view, s = text_s, n = #text, unpack = string.unpack }
  return {
    { "filemap", 'local a, name, next = v:unpack("i4z", 0)', names },
    { "string.unpack", 'local a, name, next = unpack("i4z", s, 1)', names },
    { "read out", 'local a, name, next = unpack("i4z", v:get_string(0, n))', names },
  }
end

local packing = { id = "pack", work = "`pack \"i4i4fd\"`", needs = { "pack" },
  how = "Writes the same fields, compared with `string.pack`, which makes a string but does not store it. "
    .. "It has no bound." }

function packing.competitors()
  local names = { v = view, c = block, pack = string.pack }
  return {
    { "filemap", 'local next = v:pack("i4i4fd", 0, 7, -7, 0.5, 0.25)', names },
    { "C limit", "local next = c:set_fields(0, 7, -7, 0.5, 0.25)", names },
    { "string.pack", 'local x = pack("i4i4fd", 7, -7, 0.5, 0.25)', names },
  }
end

topic.comparisons = { unpacking "i4i4fd", unpacking "<i4 i4 f d", with_text, packing }
return topic
