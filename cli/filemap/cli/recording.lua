-- The file format of `filemap record`, which doc/command.md describes. Internal to the command.
--
--   header   "filemap recording 1\n", u64 size of the section, f64 seconds since 1970, u16 length, name
--   frame    u32 length of the changes, f64 seconds since the start, the changes
--   changes  one after another: distance from the end of the change before, number of bytes, the bytes
--
-- All numbers are little-endian. Distances and numbers of bytes have 7 bits a byte, the lowest first; a set
-- eighth bit means that more follow. The first frame counts from zero bytes. A frame without changes only
-- tells the time.
local fail = require "filemap.cli.fail"
local out = require "filemap.cli.out"
local source = require "filemap.cli.source"

local recording = {}

local MAGIC, HEAD, FRAME = "filemap recording 1\n", "<I8ds2", "<I4d"
local FRAME_SIZE = string.packsize(FRAME)

-- {-- Changes --------------------------------------------------------------------------------------

local function varint(n)
  local bytes = {}
  while n > 127 do
    bytes[#bytes + 1] = string.char(n & 127 | 128)
    n = n >> 7
  end
  return table.concat(bytes) .. string.char(n)
end

-- Returns the number at i, and the position behind it; nothing if it is cut or has more than 63 bits.
local function read_varint(s, i)
  local n, shift = 0, 0
  while true do
    local byte = s:byte(i)
    if not byte or shift > 56 then return nil end
    n, shift, i = n | (byte & 127) << shift, shift + 7, i + 1
    if byte < 128 then return n, i end
  end
end

-- Views are compared in large blocks, then in small ones, then by bytes.
local LARGE, SMALL = 4096, 64
-- Two changes with this many equal bytes between them are stored as one, which is shorter.
local GAP = 2

-- Calls add(offset) for each byte of a small block that differs.
local function compare_bytes(before, now, offset, length, add)
  local a = { before:get_string(offset, length):byte(1, -1) }
  local b = { now:get_string(offset, length):byte(1, -1) }
  for i = 1, length do
    if a[i] ~= b[i] then add(offset + i - 1) end
  end
end

local function compare(before, now, size, add)
  for large = 0, size - 1, LARGE do
    local stop = math.min(large + LARGE, size)
    if not now:equals(large, before, large, stop - large) then
      for small = large, stop - 1, SMALL do
        local length = math.min(SMALL, stop - small)
        if not now:equals(small, before, small, length) then
          compare_bytes(before, now, small, length, add)
        end
      end
    end
  end
end

--- The changes from one view to another of the same size; "" if they are equal. Both must be private.
function recording.changes(before, now, size)
  local parts, done, from, to = {}, 0, nil, nil
  local function emit()
    parts[#parts + 1] = varint(from - done)
    parts[#parts + 1] = varint(to - from)
    parts[#parts + 1] = now:get_string(from, to - from)
    done = to
  end
  compare(before, now, size, function(offset)
    if from and offset - to <= GAP then to = offset + 1 return end
    if from then emit() end
    from, to = offset, offset + 1
  end)
  if from then emit() end
  return table.concat(parts)
end

--- Writes changes to a view.
function recording.apply(changes, view)
  local i, offset, size = 1, 0, #view
  while i <= #changes do
    local distance, length
    distance, i = read_varint(changes, i)
    if i then length, i = read_varint(changes, i) end
    local room = size - offset
    if not i or distance > room or length > room - distance or length > #changes - i + 1 then
      fail("the recording is damaged: a change is past the end")
    end
    view:set_string(offset + distance, changes:sub(i, i + length - 1))
    offset, i = offset + distance + length, i + length
  end
end

-- {-- Files ----------------------------------------------------------------------------------------

--- Writes the header.
function recording.begin(file, name, size, time)
  out.to(file, MAGIC, string.pack(HEAD, size, time, name))
end

--- Writes a frame.
function recording.write(file, time, changes)
  out.to(file, string.pack(FRAME, #changes, time), changes)
end

--- Reads the header: size, time, name.
function recording.header(file, path)
  local fixed = string.packsize("<I8dI2")
  local start = source.read(file, #MAGIC + fixed) or ""
  if start:sub(1, #MAGIC) ~= MAGIC or #start < #MAGIC + fixed then
    fail(path .. ": is not a recording of filemap")
  end
  local size, time, length = string.unpack("<I8dI2", start, #MAGIC + 1)
  local name = length == 0 and "" or source.read(file, length) or ""
  if size < 1 or size > 1 << 46 or #name < length then fail(path .. ": the recording's header is damaged") end
  return size, time, name
end

--- The next frame: seconds, changes. Nothing at the end, or at a frame that was not written to its end.
function recording.read(file, before, size)
  local head = source.read(file, FRAME_SIZE)
  if not head or #head < FRAME_SIZE then return nil end
  local length, time = string.unpack(FRAME, head)
  if not (time >= before and time < 1e12) or length > 4 * size + 64 then
    fail("the recording is damaged: a frame cannot be")
  end
  local changes = length == 0 and "" or source.read(file, length)
  if not changes or #changes < length then return nil end
  return time, changes
end

return recording
