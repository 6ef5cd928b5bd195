--[[
  Makes the parts exactly those that the bucket listed. Slots and changes are those of `record`, but that
  kind 0 is a part of which only the checksum is known.

  KEYS[1]  uploads of the owner (hash: "r:" id = record)
  KEYS[2]  parts of the upload
  KEYS[3]  odd ETags of the upload

  ARGV[1]  id
  ARGV[2]  epoch
  ARGV[3]  revision
  ARGV[4]  parts, each index once
  ARGV[5]  how much longer than the records the keys live, ms

  Returns  {'replaced'}
           {'refused'}               no such record, another epoch, revision or state
           {'impossible', position}  that part, from 1, cannot be one of this upload
]]
local field, parts = 'r:' .. ARGV[1], ARGV[4]
local raw = redis.call('HGET', KEYS[1], field)
local record = raw and cjson.decode(raw)
if not record or record.epoch ~= tonumber(ARGV[2]) or record.revision ~= tonumber(ARGV[3]) then
  return { 'refused' }
end
if record.state ~= 'uploading' and record.state ~= 'completing' then return { 'refused' } end

local noEtag, noChecksum = string.rep('\0', 16), string.rep('\0', record.width)
local slots, odd, highest, arrived, position, at = {}, {}, 0, 0, 0, 1
while at <= #parts do
  local index, kind, checksum, etag
  index, kind, checksum, etag, at = struct.unpack('>I4BBc0I2c0', parts, at)
  position = position + 1
  if index < 1 or index > record.total or (checksum ~= '' and #checksum ~= record.width) then
    return { 'impossible', position }
  end
  local mark = string.char((checksum ~= '' and 1 or 0) + 2 * kind)
  slots[index] = mark .. (kind == 1 and etag or noEtag) .. (checksum ~= '' and checksum or noChecksum)
  if kind == 2 then odd[index] = etag end
  if kind > 0 then arrived = arrived + 1 end
  highest = math.max(highest, index)
end
for index = 1, highest do slots[index] = slots[index] or '\0' .. noEtag .. noChecksum end

redis.call('DEL', KEYS[2], KEYS[3])
if highest > 0 then redis.call('SET', KEYS[2], table.concat(slots)) end
for index, etag in pairs(odd) do redis.call('HSET', KEYS[3], index, etag) end
for i = 2, 3 do redis.call('PEXPIREAT', KEYS[i], record.keepUntil + tonumber(ARGV[5])) end
record.arrived, record.revision = arrived, record.revision + 1
redis.call('HSET', KEYS[1], field, cjson.encode(record))
return { 'replaced' }
