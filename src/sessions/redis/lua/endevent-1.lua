--[[
  Ends the claim on an event.

  KEYS[1]  outbox of the owner (hash: "e:" name = event, "d:" name = how its delivery is)

  ARGV[1]  name of the event: its receiver and its id
  ARGV[2]  fence
  ARGV[3]  delivered, waiting or dead
  ARGV[4]  when it is due again, ms since the epoch; for waiting
  ARGV[5]  attempts that count, or empty for those that did; for waiting
  ARGV[6]  keepUntil, ms since the epoch; for dead
  ARGV[7]  why it was not delivered

  Returns  {'ended'}
           {'refused'}  not there, dead, or another fence
]]
local field, to = 'd:' .. ARGV[1], ARGV[3]
local raw = redis.call('HGET', KEYS[1], field)
local delivery = raw and cjson.decode(raw)
if not delivery or delivery.state ~= 'waiting' then return { 'refused' } end
if delivery.fence ~= tonumber(ARGV[2]) then return { 'refused' } end

if to == 'delivered' then
  redis.call('HDEL', KEYS[1], field, 'e:' .. ARGV[1])
  return { 'ended' }
end
delivery.state, delivery.reason = to, ARGV[7]
if to == 'waiting' then
  delivery.dueAt, delivery.attempts = tonumber(ARGV[4]), tonumber(ARGV[5]) or delivery.attempts
else
  delivery.keepUntil = tonumber(ARGV[6])
end
redis.call('HSET', KEYS[1], field, cjson.encode(delivery))
return { 'ended' }
