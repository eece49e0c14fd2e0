---@meta filemap.win32

-- Definitions of filemap.win32 for editors; see filemap.lua.

---SECURITY_ATTRIBUTES.
---@class filemap.win32_attributes
---@field inherit? boolean whether child processes inherit the handle
---@field sddl? string security descriptor; Windows only
---@field mode? string POSIX permissions in octal; default: "0600"

---An open file, over which mappings can be made. `CloseHandle` closes it.
---@class filemap.file_handle

---The Win32 functions by their own names.
---@class filemap.win32
---@field INVALID_HANDLE_VALUE integer
---@field PAGE_NOACCESS integer
---@field PAGE_READONLY integer
---@field PAGE_READWRITE integer
---@field PAGE_WRITECOPY integer
---@field PAGE_EXECUTE integer
---@field PAGE_EXECUTE_READ integer
---@field PAGE_EXECUTE_READWRITE integer
---@field PAGE_EXECUTE_WRITECOPY integer
---@field PAGE_GUARD integer
---@field PAGE_NOCACHE integer
---@field PAGE_WRITECOMBINE integer
---@field SEC_FILE integer
---@field SEC_IMAGE integer
---@field SEC_PROTECTED_IMAGE integer
---@field SEC_RESERVE integer
---@field SEC_COMMIT integer
---@field SEC_NOCACHE integer
---@field SEC_WRITECOMBINE integer
---@field SEC_LARGE_PAGES integer
---@field SEC_IMAGE_NO_EXECUTE integer
---@field FILE_MAP_COPY integer
---@field FILE_MAP_WRITE integer
---@field FILE_MAP_READ integer
---@field FILE_MAP_ALL_ACCESS integer
---@field FILE_MAP_EXECUTE integer
---@field FILE_MAP_LARGE_PAGES integer
---@field FILE_MAP_TARGETS_INVALID integer
---@field FILE_MAP_RESERVE integer
---@field GENERIC_READ integer
---@field GENERIC_WRITE integer
---@field GENERIC_EXECUTE integer
---@field GENERIC_ALL integer
---@field FILE_SHARE_READ integer
---@field FILE_SHARE_WRITE integer
---@field FILE_SHARE_DELETE integer
---@field CREATE_NEW integer
---@field CREATE_ALWAYS integer
---@field OPEN_EXISTING integer
---@field OPEN_ALWAYS integer
---@field TRUNCATE_EXISTING integer
---@field FILE_ATTRIBUTE_READONLY integer
---@field FILE_ATTRIBUTE_HIDDEN integer
---@field FILE_ATTRIBUTE_SYSTEM integer
---@field FILE_ATTRIBUTE_ARCHIVE integer
---@field FILE_ATTRIBUTE_NORMAL integer
---@field FILE_ATTRIBUTE_TEMPORARY integer
---@field FILE_FLAG_WRITE_THROUGH integer
---@field FILE_FLAG_OVERLAPPED integer
---@field FILE_FLAG_NO_BUFFERING integer
---@field FILE_FLAG_RANDOM_ACCESS integer
---@field FILE_FLAG_SEQUENTIAL_SCAN integer
---@field FILE_FLAG_DELETE_ON_CLOSE integer
---@field ERROR_SUCCESS integer
---@field ERROR_FILE_NOT_FOUND integer
---@field ERROR_PATH_NOT_FOUND integer
---@field ERROR_ACCESS_DENIED integer
---@field ERROR_INVALID_HANDLE integer
---@field ERROR_NOT_ENOUGH_MEMORY integer
---@field ERROR_GEN_FAILURE integer
---@field ERROR_SHARING_VIOLATION integer
---@field ERROR_FILE_EXISTS integer
---@field ERROR_INVALID_PARAMETER integer
---@field ERROR_DISK_FULL integer
---@field ERROR_CALL_NOT_IMPLEMENTED integer
---@field ERROR_INVALID_NAME integer
---@field ERROR_ALREADY_EXISTS integer
---@field ERROR_BAD_EXE_FORMAT integer
---@field ERROR_FILENAME_EXCED_RANGE integer
---@field ERROR_INVALID_ADDRESS integer
---@field ERROR_FILE_INVALID integer
---@field ERROR_NO_UNICODE_TRANSLATION integer
---@field ERROR_MAPPED_ALIGNMENT integer
---@field ERROR_USER_MAPPED_FILE integer
---@field ERROR_PRIVILEGE_NOT_HELD integer
---@field ERROR_FILE_CORRUPT integer
---@field ERROR_COMMITMENT_LIMIT integer
local win32 = {}

---The number of the last failure of a call here.
---@return integer
function win32.GetLastError() end

---Sets what `GetLastError` returns.
---@param number integer
function win32.SetLastError(number) end

---Creates a mapping of memory or of a file, or opens the one of that name.
---@param hFile? integer|filemap.file_handle `INVALID_HANDLE_VALUE` or nil for memory
---@param attributes? filemap.win32_attributes
---@param protect integer `PAGE_...`, and `SEC_...`
---@param size_high? integer
---@param size_low? integer
---@param name? string
---@return filemap.map? map
---@return string? message
---@return filemap.code? code
---@return integer? number the last error
function win32.CreateFileMapping(hFile, attributes, protect, size_high, size_low, name) end

---Opens a mapping by its name.
---@param access integer `FILE_MAP_...`
---@param inherit? boolean whether child processes inherit the handle
---@param name string
---@return filemap.map? map
---@return string? message
---@return filemap.code? code
---@return integer? number the last error
function win32.OpenFileMapping(access, inherit, name) end

---Maps a view of a mapping.
---@param map filemap.map
---@param access integer `FILE_MAP_...`
---@param offset_high? integer
---@param offset_low? integer a multiple of 65536
---@param bytes? integer 0: to the end
---@return filemap.view? view
---@return string? message
---@return filemap.code? code
---@return integer? number the last error
function win32.MapViewOfFile(map, access, offset_high, offset_low, bytes) end

---Unmaps a view.
---@param view filemap.view
---@return boolean done
---@return string? message
---@return filemap.code? code
---@return integer? number the last error
function win32.UnmapViewOfFile(view) end

---Writes a view back.
---@param view filemap.view
---@param bytes? integer 0: to the end
---@return boolean done
---@return string? message
---@return filemap.code? code
---@return integer? number the last error
function win32.FlushViewOfFile(view, bytes) end

---Opens or makes a file, for `CreateFileMapping`.
---@param path string
---@param access integer `GENERIC_...`
---@param share? integer `FILE_SHARE_...`
---@param attributes? filemap.win32_attributes
---@param disposition integer `CREATE_NEW`, `CREATE_ALWAYS`, `OPEN_EXISTING`, `OPEN_ALWAYS` or
---`TRUNCATE_EXISTING`
---@param flags? integer `FILE_ATTRIBUTE_...`, `FILE_FLAG_...`
---@param template? nil
---@return filemap.file_handle|integer handle or `INVALID_HANDLE_VALUE`
---@return string? message
---@return filemap.code? code
---@return integer? number the last error
function win32.CreateFile(path, access, share, attributes, disposition, flags, template) end

---Closes the handle of a mapping or of a file.
---@param handle filemap.map|filemap.file_handle
---@return boolean done
---@return string? message
---@return filemap.code? code
---@return integer? number the last error
function win32.CloseHandle(handle) end

return win32
