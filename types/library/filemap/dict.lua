---@meta filemap.dict

-- Definitions of filemap.dict for editors; see filemap.lua.

---Options of a new dictionary.
---@class filemap.dict_options
---@field mode? string POSIX permissions in octal; default "0600"
---@field sddl? string Windows security descriptor
---@field capacity? integer bytes of keys and values, in blocks of 128; default 1048576
---@field evict? boolean a full dictionary removes the keys that were set longest ago; default false

---@class filemap.dict_set_options
---@field ttl? number seconds after which the key is absent, greater than 0; default: it does not expire

---@class filemap.dict_info
---@field count integer the number of keys
---@field used integer bytes of blocks with keys and values
---@field capacity integer bytes of all blocks

---@alias filemap.dict_value string|integer|number|boolean

---A dictionary that any number of processes read and write.
---@class filemap.dict
local dict = {}

---Opens a dictionary, or makes one.
---@param name string
---@param options? filemap.dict_options
---@return filemap.dict? dict
---@return boolean|string created or, on failure, the message
---@return filemap.code? code
---@return integer? native
function dict.create_or_open(name, options) end

---Opens an existing dictionary.
---@param name string
---@return filemap.dict? dict
---@return string? message
---@return filemap.code? code
---@return integer? native
function dict.open(name) end

---Reads a key.
---@param key string 1 to 255 bytes
---@return filemap.dict_value? value nil if the key is absent
---@return integer|string version 0 if the key is absent; or, on failure, the message
---@return filemap.code? code
---@return integer? native
function dict:get(key) end

---Sets a key, whether or not it is there.
---@param key string 1 to 255 bytes
---@param value filemap.dict_value
---@param options? filemap.dict_set_options
---@return boolean? set
---@return string? message
---@return filemap.code? code
---@return integer? native
function dict:set(key, value, options) end

---Sets a key that is absent.
---@param key string 1 to 255 bytes
---@param value filemap.dict_value
---@param options? filemap.dict_set_options
---@return boolean? set
---@return string? message
---@return filemap.code? code
---@return integer? native
function dict:add(key, value, options) end

---Sets a key that is there.
---@param key string 1 to 255 bytes
---@param value filemap.dict_value
---@param options? filemap.dict_set_options
---@return boolean? set
---@return string? message
---@return filemap.code? code
---@return integer? native
function dict:replace(key, value, options) end

---Deletes a key.
---@param key string 1 to 255 bytes
---@return boolean? existed
---@return string? message
---@return filemap.code? code
---@return integer? native
function dict:delete(key) end

---Adds a number to a key's number in one step.
---@param key string 1 to 255 bytes
---@param n? number default 1
---@param init? number an absent key becomes init + n
---@return number? sum
---@return string? message
---@return filemap.code? code
---@return integer? native
function dict:incr(key, n, init) end

---Sets a key if its version is the expected one.
---@param key string 1 to 255 bytes
---@param version integer 0: the key must be absent
---@param value filemap.dict_value
---@return boolean? set
---@return filemap.dict_value? found if it was not set; or, on failure, the message
---@return integer|filemap.code? version of what was found; or, on failure, the code
---@return integer? native
function dict:compare_set(key, version, value) end

---Waits until a key has another version.
---@param key string 1 to 255 bytes
---@param version integer 0 for an absent key
---@param timeout? number seconds; nil waits forever
---@return filemap.dict_value? value nil if the key is absent now
---@return integer|string version or, on failure, the message
---@return filemap.code? code
---@return integer? native
function dict:wait(key, version, timeout) end

---Iterates over all keys.
---@return fun(): string?, filemap.dict_value?
function dict:pairs() end

---Returns how full the dictionary is.
---@return filemap.dict_info? info
---@return string? message
---@return filemap.code? code
---@return integer? native
function dict:info() end

---Removes all keys, in one step.
---@return boolean? cleared
---@return string? message
---@return filemap.code? code
---@return integer? native
function dict:clear() end

---Closes the dictionary.
---@return boolean
function dict:close() end

return dict
