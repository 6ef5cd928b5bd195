--[[
  Records, all or nothing, parts that are signed for and parts that arrived.

  A part is a slot of 17 bytes + its checksum: a mark (1 checksum known, 2 ETag in the slot, 4 ETag in
  KEYS[3]), 16 bytes of ETag, the checksum. A change is `>I4BBc0I2c0`: index, kind (0 signed, 1 arrived
  with an ETag for the slot, 2 arrived with an odd one), checksum, ETag; an empty checksum is none.

  KEYS[1]  uploads of the owner (hash: "r:" id = record, "d:" id = draft)
  KEYS[2]  parts of the upload
  KEYS[3]  odd ETags of the upload
  KEYS[4]  the owner's entries, by age
  KEYS[5]  the owner's entries, by the end of the record
  KEYS[6]  the owner's charges, by when they are over

  ARGV[1]  id
  ARGV[2]  now, ms since the epoch
  ARGV[3]  expiresAt, ms since the epoch
  ARGV[4]  keepUntil, ms since the epoch
  ARGV[5]  lowest index in the changes
  ARGV[6]  highest index in the changes
  ARGV[7]  changes, to be applied in this order
  ARGV[8]  how much longer than the records the keys live, ms
  ARGV[9]  URLs that are about to be signed
  ARGV[10]  how many there may be a day for each part
  ARGV[11]  how many there may be a day besides

  Returns  {'recorded', draft, record}
           {'wrong-state', draft, record}
           {'index-out-of-range' | 'checksum-malformed' | 'checksum-differs', draft, record,
            position of the change, from 1}
           {'over-budget', URLs signed today, most of them}
           {'not-found'}
]]
-- include save.lua
-- include keep.lua
-- include sign.lua
local id, now, changes = ARGV[1], tonumber(ARGV[2]), ARGV[7]
local raw, draft = unpack(redis.call('HMGET', KEYS[1], 'r:' .. id, 'd:' .. id))
local record = raw and cjson.decode(raw)
if not record or record.keepUntil <= now then return { 'not-found' } end
if record.state ~= 'uploading' or record.expiresAt <= now then return { 'wrong-state', draft, raw } end

local low, high = tonumber(ARGV[5]), math.min(tonumber(ARGV[6]), record.total)
local size = 17 + record.width
local noEtag, noChecksum = string.rep('\0', 16), string.rep('\0', record.width)
local span = redis.call('GETRANGE', KEYS[2], (low - 1) * size, high * size - 1)
local function stored(index)
  local slot = string.sub(span, (index - low) * size + 1, (index - low + 1) * size)
  return #slot == size and slot or slot .. string.rep('\0', size - #slot)
end

local slots, odd, position, at = {}, {}, 0, 1
while at <= #changes do
  local index, kind, checksum, etag
  index, kind, checksum, etag, at = struct.unpack('>I4BBc0I2c0', changes, at)
  position = position + 1
  if index < 1 or index > record.total then
    return { 'index-out-of-range', draft, raw, position }
  end
  if checksum ~= '' and #checksum ~= record.width then
    return { 'checksum-malformed', draft, raw, position }
  end
  local slot = slots[index] or stored(index)
  local known = string.byte(slot) % 2 == 1 and string.sub(slot, 18)
  if kind == 0 then
    if known ~= checksum then slots[index], odd[index] = '\1' .. noEtag .. checksum, false end
  elseif known and checksum ~= '' and checksum ~= known then
    return { 'checksum-differs', draft, raw, position }
  else
    local sum = checksum ~= '' and checksum or known
    local mark = string.char((sum and 1 or 0) + 2 * kind)
    slots[index] = mark .. (kind == 1 and etag or noEtag) .. (sum or noChecksum)
    odd[index] = kind == 2 and etag
  end
end

local isWithin, used, most =
  sign(record, tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), now)
if not isWithin then return { 'over-budget', used, most } end

local changed, run, first = false, {}, nil
for index = low, high + 1 do
  local slot, old = slots[index], slots[index] and stored(index)
  if slot ~= old then
    local had, has = string.byte(old) > 1, string.byte(slot) > 1
    record.arrived = record.arrived + (has and 1 or 0) - (had and 1 or 0)
    run[#run + 1], first, changed = slot, first or index, true
  elseif first then
    redis.call('SETRANGE', KEYS[2], (first - 1) * size, table.concat(run))
    run, first = {}, nil
  end
end
for index, etag in pairs(odd) do
  if etag and redis.call('HGET', KEYS[3], index) ~= etag then
    redis.call('HSET', KEYS[3], index, etag)
    changed = true
  elseif not etag and string.byte(stored(index)) >= 4 then
    redis.call('HDEL', KEYS[3], index)
  end
end

if changed then record.revision = record.revision + 1 end
record.expiresAt = math.max(record.expiresAt, tonumber(ARGV[3]))
record.keepUntil = math.max(record.keepUntil, tonumber(ARGV[4]))
raw = save(KEYS[1], KEYS[6], raw, record, now)
keepKeys(record, ARGV[8])
return { 'recorded', draft, raw }
