-- The text of doc/win32.md, from the table of spec/support/win32_calls.lua.
local introduction = [==[
# filemap.win32: what each call gives

`require "filemap.win32"` has Win32's calls by their own names, with their arguments, results and last errors, so that
code in C, C++ or C# moves to it line by line:

```c
HANDLE hMapFile = CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 256, L"Local\\Name");
if (hMapFile == NULL) { printf("Could not create file mapping object (%d).\n", GetLastError()); return 1; }
LPTSTR pBuf = (LPTSTR) MapViewOfFile(hMapFile, FILE_MAP_ALL_ACCESS, 0, 0, 256);
CopyMemory((PVOID)pBuf, szMsg, (_tcslen(szMsg) * sizeof(TCHAR)));
UnmapViewOfFile(pBuf);
CloseHandle(hMapFile);
```

```lua
local hMapFile = CreateFileMapping(INVALID_HANDLE_VALUE, nil, PAGE_READWRITE, 0, 256, [[Local\Name]])
if hMapFile == nil then print(("Could not create file mapping object (%d)."):format(GetLastError())) return 1 end
local pBuf = MapViewOfFile(hMapFile, FILE_MAP_ALL_ACCESS, 0, 0, 256)
pBuf:set_utf16(0, szMsg, 128)
UnmapViewOfFile(pBuf)
CloseHandle(hMapFile)
```

- A HANDLE is an object: a `filemap.map`, or of `CreateFile` a `filemap.file_handle`. A view is a `filemap.view`; what
  C does through the pointer its methods do, and `view:sub(offset, length)` is `pBuf + offset`.
- `NULL` is nil, `TRUE` and `FALSE` are true and false. Failure is what it is in C: nil, false, or from `CreateFile`
  `INVALID_HANDLE_VALUE` (-1). After it come a message, filemap's code and the last error, for `assert(…)`.
- `GetLastError()` is the module's own number, which nothing else in Lua changes. `CreateFileMapping` and `CreateFile`
  set it when they succeed, too; the others then leave it.
- `LPSECURITY_ATTRIBUTES` is nil, or `{ inherit = true, sddl = "…", mode = "0600" }`. `VirtualAlloc` with `MEM_COMMIT`
  is `view:commit(offset, length)`; `VirtualQuery` for the size of a view is `#view`. On Linux `FlushViewOfFile` also
  does what `FlushFileBuffers` does.
- Offsets are multiples of 65536, and memory has whole pages, on every system.

## What only Windows has

On Linux these fail with 120, `ERROR_CALL_NOT_IMPLEMENTED`:

| | |
|---|---|
| `SEC_NOCACHE`, `SEC_WRITECOMBINE`, `SEC_IMAGE`, `SEC_IMAGE_NO_EXECUTE` | of which filemap's own calls know nothing |
| `sddl` | permissions are `mode` there |
| a name for the mapping of a file | others open its path |
| `SEC_LARGE_PAGES` where no huge pages are set aside (`vm.nr_hugepages`) | and always for named memory |
| `FILE_FLAG_…` but `RANDOM_ACCESS` and `SEQUENTIAL_SCAN`, `FILE_ATTRIBUTE_READONLY`, `HIDDEN`, `SYSTEM` | |

On Linux share modes keep nobody out, so that 32 (`ERROR_SHARING_VIOLATION`) and 1224 (`ERROR_USER_MAPPED_FILE`) do not
come. On every system a template for `CreateFile`, `FILE_MAP_TARGETS_INVALID` and `FILE_MAP_RESERVE` are 120, and what
`OpenFileMapping` gives may be read, whatever access was asked for.

## The calls

One call after the other, with the last error behind it; — where the call leaves it as it was. `Name` is that of nobody
else, `Local\Mutex` that of a mutex. What stands in the last two columns is where Linux differs, and where wine 8, under
which this is checked, differs from Windows. `script/win32-doc` prints this page.
]==]

local function cell(pair)
  if not pair then return "" end
  return ("`%s` %s"):format(pair[1], pair[2] == "" and "—" or pair[2])
end

-- A `|` would end the cell.
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
