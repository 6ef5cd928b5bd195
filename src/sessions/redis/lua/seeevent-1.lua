--[[
  How an event is. Forgets one that has outlived its time.

  KEYS[1]  outbox of the owner (hash: "e:" name = event, "d:" name = how its delivery is)

  ARGV[1]  name of the event: its receiver and its id
  ARGV[2]  now, ms since the epoch

  Returns  {'waiting', when it is due, ms since the epoch}
           {'dead', event, delivery}
           {'gone'}
]]
local field = 'd:' .. ARGV[1]
local raw = redis.call('HGET', KEYS[1], field)
if not raw then return { 'gone' } end
local delivery = cjson.decode(raw)
if delivery.keepUntil <= tonumber(ARGV[2]) then
  redis.call('HDEL', KEYS[1], field, 'e:' .. ARGV[1])
  return { 'gone' }
end
if delivery.state == 'waiting' then return { 'waiting', delivery.dueAt } end
return { 'dead', redis.call('HGET', KEYS[1], 'e:' .. ARGV[1]), raw }
