-- The first program of the classic C++ pair, FileMappingServer, ported to Lua line by line. It creates the
-- mapping, writes a message, and waits.
--   lua server.lua [name]
local win32 = require "filemap.win32"
io.stdout:setvbuf("line")

-- In terminal services the name can have a prefix, "Global\" or "Local\".
local MAP_PREFIX <const> = "Local\\"
local MAP_NAME <const> = "SampleMap"
local FULL_MAP_NAME <const> = arg[1] or MAP_PREFIX .. MAP_NAME

-- The size of the mapping in bytes.
local MAP_SIZE <const> = 65536

-- The offset of the view, a multiple of 65536, and its length.
local VIEW_OFFSET <const> = 0
local VIEW_SIZE <const> = 1024

-- The message. It is shared as UTF-16, the text of Windows programs.
local MESSAGE <const> = "Message from the first process."

local function main()
  local hMapFile, pView

  -- Create the file mapping object, backed by the paging file.
  hMapFile = win32.CreateFileMapping(
    win32.INVALID_HANDLE_VALUE, -- memory, no file
    nil,                        -- default security
    win32.PAGE_READWRITE,       -- views to read and to write
    0,                          -- high-order DWORD of the size
    MAP_SIZE,                   -- low-order DWORD of the size
    FULL_MAP_NAME)
  if hMapFile == nil then
    print(("CreateFileMapping failed w/err 0x%08x"):format(win32.GetLastError()))
    goto Cleanup
  end
  print(("The file mapping (%s) is created"):format(FULL_MAP_NAME))

  -- Map a view of it into the address space of this process.
  pView = win32.MapViewOfFile(
    hMapFile,
    win32.FILE_MAP_ALL_ACCESS,  -- to read and to write
    0,                          -- high-order DWORD of the offset
    VIEW_OFFSET,                -- low-order DWORD of the offset
    VIEW_SIZE)
  if pView == nil then
    print(("MapViewOfFile failed w/err 0x%08x"):format(win32.GetLastError()))
    goto Cleanup
  end
  print("The file view is mapped")

  -- In C: memcpy_s(pView, VIEW_SIZE, pszMessage, cbMessage), with the NUL. The capacity counts 16-bit units.
  pView:set_utf16(0, MESSAGE, VIEW_SIZE // 2)
  print(("This message is written to the view:\n\"%s\""):format(MESSAGE))

  -- Wait to clean up resources and stop the process.
  print("Press ENTER to clean up resources and quit")
  io.read()

  ::Cleanup::
  if hMapFile ~= nil then
    if pView ~= nil then win32.UnmapViewOfFile(pView) end
    win32.CloseHandle(hMapFile)
  end
end

main()
