-- Makes the text of doc/win32.md from the table in spec/support/win32_calls.lua.
local introduction = [==[
# filemap.win32: the result of each call

`require "filemap.win32"` has the Win32 calls by their own names, with their arguments, results and last
errors. Code in C, C++ or C# can be ported to it line by line:

```c
HANDLE hMapFile = CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 256, L"Local\\Name");
if (hMapFile == NULL) { printf("Could not create file mapping object (%d).\n", GetLastError()); return 1; }
LPTSTR pBuf = (LPTSTR) MapViewOfFile(hMapFile, FILE_MAP_ALL_ACCESS, 0, 0, 256);
CopyMemory((PVOID)pBuf, szMsg, (_tcslen(szMsg) * sizeof(TCHAR)));
UnmapViewOfFile(pBuf);
CloseHandle(hMapFile);
```

```lua
local win32 = require "filemap.win32"
local szMsg = "Message from the first process."

local hMapFile = win32.CreateFileMapping(win32.INVALID_HANDLE_VALUE, nil, win32.PAGE_READWRITE, 0, 256,
  [[Local\Name]])
if hMapFile == nil then
  print(("Could not create file mapping object (%d)."):format(win32.GetLastError()))
  return 1
end
local pBuf = win32.MapViewOfFile(hMapFile, win32.FILE_MAP_ALL_ACCESS, 0, 0, 256)
pBuf:set_utf16(0, szMsg, 128)
print(pBuf:get_utf16(0))     --> Message from the first process.
win32.UnmapViewOfFile(pBuf)
win32.CloseHandle(hMapFile)
```

- A HANDLE is an object: a `filemap.map`, or for `CreateFile` a `filemap.file_handle`. A view is a
  `filemap.view`. Its methods read and write what C code reads and writes through the pointer.
  `view:sub(offset, length)` is `pBuf + offset`.
- `NULL` is nil; `TRUE` and `FALSE` are true and false. A call that fails returns the same as in C: nil,
  false, or for `CreateFile` `INVALID_HANDLE_VALUE` (-1). It also returns a message, filemap's code and the
  last error. So `assert(…)` raises the message, except around `CreateFile`, whose -1 is a true value.
- `GetLastError()` returns a number of this module, which nothing else in Lua changes. `CreateFileMapping` and
  `CreateFile` set it when they succeed, too. The other calls leave it unchanged when they succeed.
- `LPSECURITY_ATTRIBUTES` is nil, or `{ inherit = true, sddl = "…", mode = "0600" }`.
- `VirtualAlloc` with `MEM_COMMIT` is `view:commit(offset, length)`. `VirtualQuery` for the size of a view is
  `#view`.
- On Linux `FlushViewOfFile` also does what `FlushFileBuffers` does.
- On every system, offsets must be multiples of 65536, and the size of memory is rounded up to whole pages.

## Features of Windows only

On Linux these fail with 120, `ERROR_CALL_NOT_IMPLEMENTED`:

| feature | note |
|---|---|
| `SEC_NOCACHE`, `SEC_WRITECOMBINE`, `SEC_IMAGE`, `SEC_IMAGE_NO_EXECUTE` | only `filemap.win32` has them |
| `sddl` | on Linux `mode` sets the permissions |
| a name for the mapping of a file | on Linux other processes open the file by its path |
| `SEC_LARGE_PAGES` if no huge pages are set aside (`vm.nr_hugepages`) | always fails for named memory |
| `FILE_FLAG_…` except `RANDOM_ACCESS` and `SEQUENTIAL_SCAN` | |
| `FILE_ATTRIBUTE_READONLY`, `FILE_ATTRIBUTE_HIDDEN`, `FILE_ATTRIBUTE_SYSTEM` | |

On Linux share modes have no effect, so the errors 32 (`ERROR_SHARING_VIOLATION`) and 1224
(`ERROR_USER_MAPPED_FILE`) do not occur. On every system a template for `CreateFile`,
`FILE_MAP_TARGETS_INVALID` and `FILE_MAP_RESERVE` fail with 120. A mapping that `OpenFileMapping` returns can
always be read, whatever `access` was.

## Results

Each table lists calls in the order in which they are made. The last error is — if the call does not change
it. `Name` stands for a name that no other program uses, and `Local\Mutex` for the name of a mutex. The column
"Linux" shows where Linux differs. The column "wine" shows where wine 8, which runs these checks, differs from
Windows. `script/win32-doc` writes this page.
]==]

local function cell(pair)
  if not pair then return "" end
  return ("`%s` %s"):format(pair[1], pair[2] == "" and "—" or pair[2])
end

-- An unescaped `|` would end the cell.
local function escaped(call)
  return (call:gsub("|", "\\|"))
end

return function(calls)
  local lines = { introduction }
  for _, row in ipairs(calls) do
    if type(row) == "string" then
      lines[#lines + 1] = ("\n### %s\n\n"):format(row)
      lines[#lines + 1] = "| call | result | last error | Linux | wine |\n|---|---|---|---|---|\n"
    else
      lines[#lines + 1] = ("| `%s` | `%s` | %s | %s | %s |\n"):format(escaped(row.call), row.result,
        row.last_error == "" and "—" or row.last_error, cell(row.linux), cell(row.wine))
    end
  end
  return table.concat(lines)
end
