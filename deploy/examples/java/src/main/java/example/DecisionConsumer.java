package example;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A consumer of laurel's decisions, as a system of yours would be. Copy it, and put your effect where {@code would} is.
 *
 * <p>It takes LAUREL_BOOTSTRAP, LAUREL_NAMESPACE and LAUREL_REGISTRY_URL, as `laurel sandbox` prints them, and as arguments
 * the file of its database and the topics to act on (all decisions where none is given).
 *
 * <ul>
 *   <li>It reads committed records only. What a transaction wrote that was then aborted never happened.
 *   <li>It acts once for each decision, however often it is killed: done is what stands in its database under decision_id,
 *       and Kafka hears of its position only after that. An effect outside the database may come twice then: give it
 *       decision_id too.
 *   <li>It notices a decision that is missing: see {@link Gaps}. For that it reads all decision topics, also where it acts
 *       on one, and the profiles.
 * </ul>
 */
public final class DecisionConsumer {
  static final List<String> DECISIONS =
      List.of(
          "tier-changes", "return-decisions", "priority-routing", "at-risk-alerts", "notification-requests", "command-answers",
          "discrepancies",
          "recovery",
          "rewards",
          "fulfilment",
          "points",
          "launches");
  static final String PROFILES = "customer-profiles";

  /** What this system would do for a decision: yours goes here, in the transaction of the database if it can. */
  static String would(GenericRecord said) {
    Object who = said.get("customer_id");
    return switch (said.getSchema().getName()) {
      case "TierChanged" -> "set %s to %s, after %s".formatted(who, said.get("to_tier"), said.get("from_tier"));
      case "ReturnDecided" -> "%s return %s of %s".formatted(said.get("verdict"), said.get("return_id"), who);
      case "ContactRouted" -> "put case %s of %s into queue %s".formatted(said.get("case_id"), who, said.get("queue"));
      case "AtRiskRaised" -> "call %s, silent for %s days".formatted(who, said.get("silent_days"));
      case "AtRiskRetracted" -> "not call %s: %s was wrong".formatted(who, said.get("retracts"));
      case "OrderFlagged" -> "pack order %s of %s by %s".formatted(said.get("order_id"), who, said.get("pick_by"));
      case "NotificationRequested" -> "tell %s of %s".formatted(who, said.get("notice"));
      default -> "take note of %s of %s".formatted(said.getSchema().getName(), who);
    };
  }

  public static void main(String[] arguments) throws Exception {
    String namespace = System.getenv().getOrDefault("LAUREL_NAMESPACE", "");
    String file = arguments.length > 0 ? arguments[0] : "decisions.sqlite";
    List<String> actingOn = arguments.length > 1 ? List.of(arguments).subList(1, arguments.length) : DECISIONS;
    // Range assignment gives one consumer the same partition of all topics: all decisions of a customer.
    Map<String, Object> reading =
        Map.of(
            "bootstrap.servers", System.getenv("LAUREL_BOOTSTRAP"),
            "group.id", System.getProperty("group", "example-java"),
            "isolation.level", "read_committed",
            "auto.offset.reset", "earliest",
            "enable.auto.commit", false,
            "session.timeout.ms", 6000, // so long nobody reads on after a `kill -9`
            "partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor");
    ByteArrayDeserializer bytes = new ByteArrayDeserializer();
    Schemas schemas = new Schemas(System.getenv("LAUREL_REGISTRY_URL"));
    KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(reading, bytes, bytes);
    Thread reader = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(consumer, reader)));
    try (consumer; Admin admin = Admin.create(Map.of("bootstrap.servers", System.getenv("LAUREL_BOOTSTRAP"))); Done done = new Done(file)) {
      Gaps gaps = new Gaps(consumer, admin, done);
      consumer.subscribe(Stream.concat(DECISIONS.stream(), Stream.of(PROFILES)).map(namespace::concat).toList(), gaps);
      while (true) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(500));
        List<String> effects = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
          if (record.value() == null) { // a profile of somebody who was erased
            continue;
          }
          GenericRecord said = schemas.read(record.value());
          String customer = said.get("customer_id").toString();
          long sequence = (Long) said.get("sequence");
          done.told(customer, record.partition(), sequence);
          gaps.suspect(customer);
          String topic = record.topic().substring(namespace.length());
          if (!topic.equals(PROFILES)) {
            String effect = actingOn.contains(topic) ? would(said) : null;
            if (effect != null && said.hasField("supersedes") && said.get("supersedes") != null) {
              effect += ", instead of what decision " + said.get("supersedes") + " asked for";
            }
            if (done.once(said.get("decision_id").toString(), customer, sequence, effect) && effect != null) {
              effects.add("%s #%d would %s".formatted(customer, sequence, effect));
            }
          }
        }
        done.commit();
        if (!records.isEmpty()) {
          consumer.commitSync();
        }
        effects.forEach(System.out::println);
        gaps.look();
      }
    } catch (WakeupException stopped) {
      // as it was told to
    }
  }

  private static void stop(KafkaConsumer<?, ?> consumer, Thread reader) {
    consumer.wakeup();
    try {
      reader.join();
    } catch (InterruptedException impatient) {
      Thread.currentThread().interrupt();
    }
  }
}
