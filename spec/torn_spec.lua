-- Strings that are read while another process writes at full speed. Each may be torn, but it is one string:
-- equal texts are always the same key of a table.
--
-- The environment variable FILEMAP_TORN sets how many strings are read in each way (default 30000).
local filemap = require "filemap"
local process = require "process"
local struct = require "filemap.struct"
local support = require "spec.support"

local COUNT <const> = tonumber(os.getenv("FILEMAP_TORN")) or 30000

-- The bytes that the writer changes: letters, some with NUL or a newline among them; small numbers, which
-- serve as lengths; 32-bit letters.
local LETTERS <const>, NUMBERS <const>, WIDE <const>, SIZE <const> = 0, 1024, 1536, 1600
local WRITER <const> = [[
  local v = assert(filemap.open(%q, "rw")):view()
  local rows, i = filemap.create(nil, 26 * 64):view(), 0
  for n = 0, 26 * 16 - 1 do rows:set_u32(4 * n, 97 + n // 16) end
  while true do
    i = i + 1
    v:fill(0, 512, 97 + i %% 26)
    if i %% 2 == 0 then v:set_u8(i %% 60, i %% 3 == 0 and 10 or 0) end
    v:fill(1024, 512, 1 + i %% 60)
    v:copy(1536, rows, i %% 26 * 64, 64)
  end]]

local Text = struct.define("Text", {
  { "short", "char", 24 }, { "long", "char", 200 }, { "wide", "utf16", 16 }, { "wider", "utf32", 8 },
})

-- Each function reads a string. `n` is the number of the read.
local ways = {
  ["get_string"] = function(v, n) return v:get_string(LETTERS, 1 + n % 40) end,
  ["get_string of more"] = function(v, n) return v:get_string(LETTERS, 41 + n % 300) end,
  ["get_cstring"] = function(v, n) return v:get_cstring(LETTERS, 1 + n % 60) end,
  ["get_cstring to the end"] = function(v, n) return v:get_cstring(LETTERS + n % 40) end,
  ["get_utf16"] = function(v, n) return v:get_utf16(LETTERS, 1 + n % 20) end,
  ["get_utf32"] = function(v, n) return v:get_utf32(WIDE, 1 + n % 12) end,
  ["unpack of c"] = function(v, n) return (v:unpack(n % 2 == 0 and "c20" or "c60", LETTERS)) end,
  ["unpack of s"] = function(v) return (v:unpack("s1", NUMBERS)) end,
  ["unpack of z"] = function(v) return (v:unpack("z", LETTERS)) end,
  ["stream:read of a count"] = function(v, n) return v:stream(LETTERS, 100):read(1 + n % 60) end,
  ["stream:read of a line"] = function(v, n)
    return v:stream(LETTERS, 100):read(n % 2 == 0 and "l" or "L")
  end,
  ["stream:read of all"] = function(v, n) return v:stream(LETTERS, 1 + n % 60):read "a" end,
  ["lines"] = function(v) return v:lines(LETTERS)() end,
  ["a struct's text"] = function(v) return Text:at(v, LETTERS).short end,
  ["a struct's long text"] = function(v) return Text:at(v, LETTERS).long end,
  ["a struct's wide text"] = function(v) return Text:at(v, LETTERS).wide end,
  ["a struct's wider text"] = function(v) return Text:at(v, WIDE - Text:offsetof "wider").wider end,
  ["a struct read"] = function(v) return Text:read(v, LETTERS).short end,
}

support.clean()

describe("strings read while another process writes", function()
  local map, view, writer

  -- All tests share one writer, which is killed after the last test.
  setup(function()
    local name = support.unique("Local\\")
    map = assert(filemap.create(name, SIZE))
    view = assert(map:view())
    writer = process.spawn { support.lua, "spec/child/evaluator.lua" }
    writer:expect("^READY$")
    writer:start(WRITER, name)
  end)

  teardown(function()
    writer:close()
    view:close()
    map:close()
  end)

  for what, read in pairs(ways) do
    it("are the same key where their texts are equal: " .. what, function()
      local keys, different, n, wrong = {}, 0, 0, 0
      local deadline = process.now() + support.deadline
      -- More than 20 different strings show that the writer runs.
      repeat
        n = n + 1
        local s = read(view, n)
        local same = (s .. "."):sub(1, -2)
        if s ~= same or (keys[s] ~= nil) ~= (keys[same] ~= nil) then wrong = wrong + 1 end
        if not keys[s] then
          keys[s] = true
          different = different + 1
        end
        if keys[same] ~= true then wrong = wrong + 1 end
      until n >= COUNT and different > 20 or process.now() > deadline
      assert.equal(0, wrong)
      assert.is_true(different > 20, different .. " different strings")
    end)
  end
end)
