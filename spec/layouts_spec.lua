-- Layouts that games and tools publish: cdef.parse reads the header that the C program is built with, Lua
-- reads what the program filled in, and the program checks what Lua writes. Where each is published stands in
-- its header.
local cdef = require "filemap.cdef"
local compiler = require "spec.support.compiler"
local filemap = require "filemap"
local process = require "process"
local support = require "spec.support"

-- {-- What stands in each, and what to write -------------------------------------------------------

-- `count` numbers, each one more than that before it.
local function run(first, count)
  local numbers = {}
  for i = 1, count do numbers[i] = first + i - 1 end
  return numbers
end

-- The header and the type; `read`, what the C program fills in; `write`, what it then expects.
local layouts = {
  {
    header = "mumble", type = "LinkedMem",
    read = {
      uiVersion = 2, uiTick = 4000000000, fAvatarPosition = run(1.5, 3), fAvatarFront = run(-1.0, 3),
      fAvatarTop = run(10.25, 3), name = "The Game", fCameraPosition = run(100, 3),
      fCameraFront = run(200, 3), fCameraTop = run(300, 3), identity = "Jörg", context_len = 3,
      context = { [1] = 97, [2] = 0, [3] = 98, [4] = 0, [256] = 0xfe },
      description = "a game to hear oneself in",
    },
    write = {
      uiVersion = 3, uiTick = 7, fAvatarPosition = run(2.5, 3), fCameraTop = run(0.5, 3), name = "Änderung",
      context_len = 256, context = { 122 }, description = "",
    },
  },
  {
    header = "assetto", type = "SPageFilePhysics",
    read = {
      packetId = -2, gas = 0.5, brake = 0, gear = 3, rpms = 8500, velocity = run(-3, 3),
      wheelSlip = run(0.25, 4), suspensionTravel = run(7, 4), cgHeight = 0.375, carDamage = run(40, 5),
      autoShifterOn = 1, rideHeight = run(0.125, 2), airDensity = 1.25,
    },
    write = {
      packetId = 99, gas = 1, gear = -1, accG = run(2, 3), suspensionTravel = run(8, 4),
      rideHeight = { [2] = -0.5 }, airDensity = 1.5,
    },
  },
  {
    header = "assetto", type = "SPageFileGraphic",
    read = {
      packetId = 12, status = 2, session = -1, currentTime = "1:23:456", lastTime = "", split = "0:59:000",
      position = 4, iBestTime = 83456, tyreCompound = "Soft — slick", normalizedCarPosition = 0.75,
      carCoordinates = run(1000, 3),
    },
    write = {
      status = 3, session = 2, iBestTime = -1, lastTime = "12345678901234", tyreCompound = "überhart",
      replayTimeMultiplier = 0.5, carCoordinates = run(-8, 3),
    },
  },
  {
    header = "assetto", type = "SPageFileStatic",
    read = {
      smVersion = "1.7", acVersion = "1.16.4", numCars = 24, track = "spa", playerNick = "nick",
      sectorCount = 3, maxRpm = 9000, tyreRadius = run(0.25, 4),
    },
    write = { smVersion = "1.8", track = "nürburgring", maxRpm = 9001, tyreRadius = run(1.25, 4) },
  },
  {
    header = "coretemp", type = "CORE_TEMP_SHARED_DATA",
    read = {
      uiLoad = run(1, 256), uiTjMax = run(1000, 128), uiCoreCnt = 8, uiCPUCnt = 1, fTemp = run(20, 256),
      fVID = 1.25, fMultiplier = 40.5, sCPUName = "A CPU of 8 cores", ucFahrenheit = 1, ucDeltaToTjMax = 255,
    },
    write = {
      uiLoad = run(2, 256), uiCoreCnt = 16, fTemp = { [256] = 99.5 }, fCPUSpeed = 4000, sCPUName = "another",
      ucFahrenheit = 0, ucDeltaToTjMax = 254,
    },
  },
  {
    header = "freetrack", type = "FTHeap",
    read = {
      data = { DataID = 0xfffffffe, CamWidth = 640, CamHeight = -480, Yaw = 0.5, Z = -25, RawZ = 3.5,
        Y4 = 4.25 },
      GameID = 1901, table = run(1, 8), GameID2 = -1,
      table_ints = { string.unpack("=i4", "\1\2\3\4"), (string.unpack("=i4", "\5\6\7\8")) },
    },
    write = {
      data = { DataID = 0, Pitch = -1.5, X1 = 11 }, GameID = 2000, table_ints = { [2] = -2 }, GameID2 = 2001,
    },
  },
  {
    header = "hwinfo", type = "HWiNFO_SENSORS_SHARED_MEM2",
    read = {
      dwSignature = 0x53695748, dwVersion = 1, poll_time = 0x123456789ab, dwOffsetOfSensorSection = 44,
      dwNumReadingElements = 77,
    },
    write = {
      dwSignature = 0x44414544, poll_time = -2, dwSizeOfSensorElement = 264,
      dwNumReadingElements = 0xffffffff,
    },
  },
  {
    header = "hwinfo", type = "HWiNFO_SENSORS_READING_ELEMENT",
    read = {
      tReading = "SENSOR_TYPE_FAN", dwReadingID = 0x3000000, szLabelOrig = "Chassis2 Fan",
      szLabelUser = "Fan", szUnit = "RPM", Value = 1234.5, ValueAvg = 1e300,
    },
    write = {
      tReading = "SENSOR_TYPE_USAGE", dwSensorIndex = 5, szLabelUser = "Lüfter", szUnit = "%", Value = 0.1,
      ValueMin = -0.1,
    },
  },
  {
    header = "rtss", type = "RTSS_SHARED_MEMORY",
    read = {
      dwSignature = 0x52545353, dwVersion = 0x20000, dwAppEntrySize = 600,
      arrOSD = { [1] = { szOSD = "60 FPS", szOSDOwner = "" }, [8] = { szOSDOwner = "the last" } },
      arrApp = {
        [1] = { dwProcessID = 4711, szName = [[C:\game.exe]] },
        [256] = { dwFrameTime = 16667, szScreenCapturePath = [[D:\shot.png]] },
      },
    },
    write = {
      dwSignature = 0xdead, dwOSDFrame = 9,
      arrOSD = { [1] = { szOSDOwner = "Lua" }, [8] = { szOSD = "<b>" } },
      arrApp = { [256] = { dwFrameTime = 8333, dwScreenCaptureFlags = 1 } },
    },
  },
  {
    header = "rfactor2", type = "rF2Wheels",
    read = {
      version = { mVersionUpdateBegin = 41, mVersionUpdateEnd = 41 },
      mOri = { [1] = { x = 1.0 }, [3] = { z = -0.1 } },
      mWheels = {
        [1] = { mSuspensionDeflection = 0.001, mDetached = false },
        [4] = {
          mTemperature = run(350.5, 3), mTerrainName = "GRAS", mSurfaceType = 2, mFlat = false,
          mDetached = true, mStaticUndeflectedRadius = 33, mTireInnerLayerTemperature = run(360.25, 3),
          mExpansion = run(100, 24),
        },
      },
    },
    write = {
      version = { mVersionUpdateBegin = 42 }, mOri = { [2] = { y = 0.5 }, [3] = { z = -0.2 } },
      mWheels = {
        [2] = { mFlat = true },
        [4] = {
          mDetached = false, mTerrainName = "ROAD", mTemperature = { [3] = 352.5 },
          mTireInnerLayerTemperature = { 1.5 }, mExpansion = { [24] = 200 },
        },
      },
    },
  },
}

-- {-- Reading and writing them ---------------------------------------------------------------------

local function read_file(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function parse(layout, abi)
  local types, constants = cdef.parse(read_file("spec/layouts/" .. layout.header .. ".h"), { abi = abi })
  return types[layout.type], constants
end

-- What is in `expected` is in `got`, a table or a record.
local function check_values(got, expected, path)
  if type(expected) ~= "table" then return assert.are.equal(expected, got, path) end
  for key, value in pairs(expected) do check_values(got[key], value, path .. "." .. key) end
end

-- Writes the members of a record one by one.
local function assign(record, values)
  for key, value in pairs(values) do
    if type(value) == "table" then assign(record[key], value) else record[key] = value end
  end
end

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

-- Exchanges one struct with the C program: reads it both ways, and writes with `write`.
local function exchange(layout, write)
  local path = support.tmpname("bin")
  local program <close> = process.spawn { folder .. "layouts", layout.type, path }
  local size = program:expect("^READY (%d+)$")
  local struct = parse(layout)
  assert.are.equal(tonumber(size), struct.size)
  do
    local map <close> = assert(filemap.file(path, "rw"))
    local view <close> = assert(map:view())
    check_values(struct:read(view, 0), layout.read, layout.type)
    check_values(struct:at(view, 0), layout.read, layout.type)
    write(struct, view)
  end
  program:write("check\n")
  program:expect("^OK$")
  program:finish()
end

-- {-- Specs ----------------------------------------------------------------------------------------

describe("a published layout", function()
  support.clean()

  for _, layout in ipairs(layouts) do
    it(("(%s) is read by its header, and written as a table"):format(layout.type), function()
      exchange(layout, function(struct, view) struct:write(view, 0, layout.write) end)
    end)

    it(("(%s) is written member by member"):format(layout.type), function()
      exchange(layout, function(struct, view) assign(struct:at(view, 0), layout.write) end)
    end)
  end

  it("keeps its constants", function()
    local _, constants = parse(layouts[1])
    assert.are.equal("MumbleLink", constants.MUMBLE_LINK_NAME)
    assert.are.equal(2, constants.MUMBLE_LINK_VERSION)
    _, constants = parse { header = "assetto" }
    assert.same({ 2, -1 }, { constants.AC_LIVE, constants.AC_UNKNOWN })
    _, constants = parse { header = "hwinfo" }
    assert.are.equal([[Global\HWiNFO_SENS_SM2]], constants.HWiNFO_SENSORS_MAP_FILE_NAME2)
    assert.same({ 128, 3 }, { constants.HWiNFO_SENSORS_STRING_LEN2, constants.SENSOR_TYPE_FAN })
    _, constants = parse { header = "rtss" }
    assert.same({ 0x52545353, 1 }, { constants.RTSS_SIGNATURE, constants.SCREENCAPTUREFLAG_REQUEST_CAPTURE })
  end)

  it("has two widths of wchar_t", function()
    assert.are.equal(10580, parse(layouts[1], "linux64").size)
    assert.are.equal(5460, parse(layouts[1], "win64").size)
  end)
end)

-- {-- In the other ABIs ----------------------------------------------------------------------------

-- The size of each layout and where its members are, as a compiler has them.
local function questions(abi)
  local lines, members = {}, {}
  for i, layout in ipairs(layouts) do
    local struct, numbers = parse(layout, abi), {}
    local c = layout.header == "mumble" and "struct LinkedMem" or layout.type
    members[i] = {}
    for name in pairs(layout.read) do
      members[i][#members[i] + 1] = name
      numbers[#numbers + 1] = ("offsetof(%s, %s), sizeof ((%s *)0)->%s"):format(c, name, c, name)
    end
    lines[#lines + 1] = ('#include "%s.h"\nFACTS(%d, %d, sizeof(%s), %s);'):format(layout.header, i,
      2 * #numbers + 1, c, table.concat(numbers, ", "))
    members[i].struct = struct
  end
  return table.concat(lines, "\n"), members
end

describe("the published layouts", function()
  support.clean()
  local only = support.only("posix", "there are no compilers among the Windows programs")

  for _, abi in ipairs(compiler.abis) do
    only("are where the compiler has them in " .. abi, function()
      local missing = compiler.missing(abi)
      if missing then return pending(missing) end
      local source, members = questions(abi)
      local facts = assert(compiler.finish(compiler.start(abi, source)))
      for i, names in ipairs(members) do
        local numbers = table.pack(string.unpack(compiler.order(abi) .. ("i8"):rep(#facts[i] // 8), facts[i]))
        assert.are.equal(numbers[1], names.struct.size, layouts[i].type)
        for k, name in ipairs(names) do
          local offset, size = names.struct:offsetof(name)
          assert.same({ numbers[2 * k], numbers[2 * k + 1] }, { offset, size },
            layouts[i].type .. "." .. name)
        end
      end
    end)
  end
end)
