-- Makes the test data: the same bytes in a view, in a block of the C limits, and in files.
local filemap = require "filemap"
local limit = require "limit"

local subjects = {}

-- Returns a view of an unnamed map with the bytes of `s`, and a block in the same memory.
function subjects.twins(s)
  local map <close> = assert(filemap.create(nil, #s))
  local view = assert(map:view())
  view:set_string(0, s)
  return view, limit.block(map:handle(), #s)
end

-- Returns the path of a file with the bytes of `s`.
function subjects.path(s)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(s))
  return path
end

-- Returns a file with the bytes of `s`, opened for reading and writing. Its name is removed.
function subjects.file(s)
  local path = subjects.path(s)
  local file = assert(io.open(path, "r+b"))
  os.remove(path)
  return file
end

-- Returns `size` bytes that look random and are the same in every run (xorshift, eight bytes at a time).
function subjects.noise(size)
  local words, x = {}, 88172645463325252
  for i = 1, (size + 7) // 8 do
    x = x ~ (x << 13)
    x = x ~ (x >> 7)
    x = x ~ (x << 17)
    words[i] = string.pack("i8", x)
  end
  return table.concat(words):sub(1, size)
end

return subjects
