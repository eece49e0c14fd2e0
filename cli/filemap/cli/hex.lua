-- Lines of hexadecimal bytes and text, as `hexdump -C` prints them. Internal to the command.
local hex = {}

local PAIR, SHOWN = {}, {}
for byte = 0, 255 do
  PAIR[byte] = ("%02x "):format(byte)
  SHOWN[byte] = byte >= 32 and byte < 127 and string.char(byte) or "."
end

--- The line of up to 16 bytes at an offset.
function hex.line(offset, bytes)
  local pair, shown = {}, {}
  for i = 1, #bytes do
    local byte = bytes:byte(i)
    pair[#pair + 1] = i == 9 and " " .. PAIR[byte] or PAIR[byte]
    shown[i] = SHOWN[byte]
  end
  return ("%08x  %-49s |%s|"):format(offset, table.concat(pair), table.concat(shown))
end

--- The two digits of a byte, with a space, and the character that stands for it.
hex.pair, hex.shown = PAIR, SHOWN

--- The digits of bytes, without spaces.
function hex.digits(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

return hex
