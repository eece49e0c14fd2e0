-- The second program of the classic C++ pair, FileMappingClient, ported to Lua line by line. It opens the
-- mapping and reads the message.
--   lua client.lua [name]
local win32 = require "filemap.win32"
io.stdout:setvbuf("line")

-- In terminal services the name can have a prefix, "Global\" or "Local\".
local MAP_PREFIX <const> = "Local\\"
local MAP_NAME <const> = "SampleMap"
local FULL_MAP_NAME <const> = arg[1] or MAP_PREFIX .. MAP_NAME

-- The offset of the view, a multiple of 65536, and its length.
local VIEW_OFFSET <const> = 0
local VIEW_SIZE <const> = 1024

local function main()
  local hMapFile, pView

  -- Try to open the named file mapping identified by the map name.
  hMapFile = win32.OpenFileMapping(
    win32.FILE_MAP_READ, -- to read
    false,               -- children do not inherit the handle
    FULL_MAP_NAME)
  if hMapFile == nil then
    print(("OpenFileMapping failed w/err 0x%08x"):format(win32.GetLastError()))
    goto Cleanup
  end
  print(("The file mapping (%s) is opened"):format(FULL_MAP_NAME))

  -- Map a view of it into the address space of this process.
  pView = win32.MapViewOfFile(
    hMapFile,
    win32.FILE_MAP_READ, -- to read
    0,                   -- high-order DWORD of the offset
    VIEW_OFFSET,         -- low-order DWORD of the offset
    VIEW_SIZE)
  if pView == nil then
    print(("MapViewOfFile failed w/err 0x%08x"):format(win32.GetLastError()))
    goto Cleanup
  end
  print("The file view is mapped")

  -- Read and display the content in the view.
  print(("Read from the file mapping:\n\"%s\""):format(pView:get_utf16(0)))

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
