-- The names that a shared library or DLL exports.
local exports = {}

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

-- The file position of an address in memory, by the table of sections.
local function position(image, sections, count, address)
  for i = 0, count - 1 do
    local size, from, _, at = string.unpack("<I4I4I4I4", image, sections + 40 * i + 8 + 1)
    if address >= from and address < from + size then return address - from + at + 1 end
  end
  error("an address in no section")
end

-- Reads the export directory of a DLL. Source: "PE Format", learn.microsoft.com.
local function of_dll(path)
  local image, names = read(path), {}
  local header = string.unpack("<I4", image, 0x3C + 1)
  assert(image:sub(header + 1, header + 4) == "PE\0\0", path .. " is not a DLL")
  local count = string.unpack("<I2", image, header + 6 + 1)
  local optional_size = string.unpack("<I2", image, header + 20 + 1)
  local optional = header + 24
  local directory = optional + (string.unpack("<I2", image, optional + 1) == 0x20B and 112 or 96)
  local function at(address) return position(image, optional + optional_size, count, address) end
  local table_at = at(string.unpack("<I4", image, directory + 1))
  local name_count = string.unpack("<I4", image, table_at + 24)
  local list = at(string.unpack("<I4", image, table_at + 32))
  for i = 0, name_count - 1 do
    names[#names + 1] = string.unpack("z", image, at(string.unpack("<I4", image, list + 4 * i)))
  end
  return names
end

-- musl's start files define two functions in each library, which they do not hide.
local START_FILES <const> = { _init = true, _fini = true }

local function of_elf(path)
  local names = {}
  local nm <close> = assert(io.popen(("nm -D --defined-only '%s'"):format(path)))
  for line in nm:lines() do
    local name = line:match("%S+$")
    if not START_FILES[name] then names[#names + 1] = name end
  end
  return names
end

-- Returns the names in alphabetical order.
function exports.of(path)
  local names = (path:find("%.dll$") and of_dll or of_elf)(path)
  table.sort(names)
  return names
end

return exports
